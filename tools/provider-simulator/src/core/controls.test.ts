import { describe, expect, it } from 'vitest'
import { Controls } from './controls.ts'

describe('controls', () => {
  it('change nothing while there are none', () => {
    expect(new Controls().take('sk-a', '/v1/models')).toEqual({})
  })

  it('apply to the next requests in the order they were added, and no longer', () => {
    const controls = new Controls()
    controls.add({ times: 2, latencyMs: 1 })
    controls.add({ times: 1, latencyMs: 2 })
    const latencies = [1, 2, 3, 4].map(() => controls.take('sk-a', '/v1/models').latencyMs)
    expect(latencies).toEqual([1, 1, 2, undefined])
    expect(controls.list()).toEqual([])
  })

  it('apply a queued control in addition to the permanent ones', () => {
    const controls = new Controls()
    controls.add({ latencyMs: 5, chunkDelayMs: 5 })
    controls.add({ omitUsage: true })
    controls.add({ times: 1, latencyMs: 9 })
    expect(controls.take('sk-a', '/v1/models')).toMatchObject({ latencyMs: 9, chunkDelayMs: 5, omitUsage: true })
    expect(controls.take('sk-a', '/v1/models')).toMatchObject({ latencyMs: 5, chunkDelayMs: 5, omitUsage: true })
  })

  it('leave other accounts alone, and their turns', () => {
    const controls = new Controls()
    controls.add({ apiKey: 'sk-a', times: 1, latencyMs: 1 })
    expect(controls.take('sk-b', '/v1/models').latencyMs).toBeUndefined()
    expect(controls.take(undefined, '/v1/models').latencyMs).toBeUndefined()
    expect(controls.take('sk-a', '/v1/models').latencyMs).toBe(1)
  })

  it('apply to paths with their prefix', () => {
    const controls = new Controls()
    controls.add({ pathPrefix: '/model/', times: 1, latencyMs: 1 })
    expect(controls.take('sk-a', '/').latencyMs).toBeUndefined()
    expect(controls.take('sk-a', '/model/some/converse').latencyMs).toBe(1)
    expect(controls.list()).toEqual([])
  })

  it('can be cleared for one account or all', () => {
    const controls = new Controls()
    controls.add({ apiKey: 'sk-a', omitUsage: true })
    controls.add({ times: 3, omitUsage: true })
    controls.clear('sk-a')
    expect(controls.list()).toEqual([{ times: 3, omitUsage: true }])
    controls.clear()
    expect(controls.list()).toEqual([])
  })
})

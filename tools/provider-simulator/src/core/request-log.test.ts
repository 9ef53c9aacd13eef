import { describe, expect, it } from 'vitest'
import { RequestLog } from './request-log.ts'

const arrival = { apiKey: 'sk-a', method: 'POST', path: '/v1/chat/completions' }

describe('the request log', () => {
  it('keeps the latest records in order and counts all', () => {
    const log = new RequestLog(3)
    for (let index = 0; index < 8; index++) log.open({ ...arrival, arrivedAtMs: index }).status(200)
    expect(log.list().map(({ arrivedAtMs }) => arrivedAtMs)).toEqual([5, 6, 7])
    expect(log.counts()).toEqual({ total: 8, byStatus: { 200: 8 } })
  })

  it('is in order before the log is full', () => {
    const log = new RequestLog(3)
    for (let index = 0; index < 2; index++) log.open({ ...arrival, arrivedAtMs: index })
    expect(log.list().map(({ arrivedAtMs }) => arrivedAtMs)).toEqual([0, 1])
  })

  it('counts by account and status', () => {
    const log = new RequestLog(10)
    log.open({ ...arrival, arrivedAtMs: 1 }).status(200)
    log.open({ ...arrival, arrivedAtMs: 2 }).status(429)
    log.open({ ...arrival, arrivedAtMs: 3 })
    log.open({ arrivedAtMs: 4, method: 'GET', path: '/v1/models' }).status(401)
    expect(log.counts('sk-a')).toEqual({ total: 3, byStatus: { 200: 1, 429: 1 } })
    expect(log.counts('sk-unseen')).toEqual({ total: 0, byStatus: {} })
    expect(log.counts()).toEqual({ total: 4, byStatus: { 200: 1, 401: 1, 429: 1 } })
    expect(log.list('sk-a')).toHaveLength(3)
  })

  it('adds what becomes known later', () => {
    const log = new RequestLog(10)
    const open = log.open({ ...arrival, arrivedAtMs: 1 })
    expect(log.list()).toEqual([{ ...arrival, arrivedAtMs: 1, outcome: 'pending' }])
    open.model('gpt-4o')
    open.status(200)
    open.end('client-disconnected')
    expect(log.list()).toEqual([
      { ...arrival, arrivedAtMs: 1, model: 'gpt-4o', status: 200, outcome: 'client-disconnected' },
    ])
  })

  it('can be cleared while requests are in progress', () => {
    const log = new RequestLog(10)
    const open = log.open({ ...arrival, arrivedAtMs: 1 })
    log.clear()
    open.status(200)
    expect(log.list()).toEqual([])
    expect(log.counts('sk-a')).toEqual({ total: 0, byStatus: {} })
  })
})

import { describe, expect, it } from 'vitest'
import { inspectOpenAiRequest } from './inspect.ts'
import { openAiOperation } from './operations.ts'

describe('a call that is not counted', () => {
  it.each([
    ['GET', '/responses/r'],
    ['DELETE', '/assistants/a'],
    ['HEAD', '/models/m'],
    ['POST', '/files'],
    ['POST', '/uploads'],
    ['POST', '/uploads/u/parts'],
    ['POST', '/batches/b/cancel'],
    ['POST', '/responses/r/cancel'],
    ['POST', '/fine_tuning/jobs/j/cancel'],
    ['POST', '/vector_stores/v/search'],
    ['POST', '/containers/c/files'],
    ['POST', '/conversations/c/items'],
    ['POST', '/chat/completions/c'],
    ['POST', '/threads'],
    ['POST', '/threads/t'],
    ['POST', '/threads/t/messages'],
    ['POST', '/threads/t/messages/m'],
    ['POST', '/threads/t/runs/r'],
    ['POST', '/threads/t/runs/r/cancel'],
  ])('runs no model: %s %s', (method, path) => {
    expect(openAiOperation(method, path)).not.toHaveProperty('runsModel')
  })

  it.each([
    ['POST', '/responses/compact'],
    ['POST', '/assistants'],
    ['POST', '/assistants/a'],
    ['POST', '/threads/runs'],
    ['POST', '//threads/r%75ns/'],
    ['POST', '/threads/t/runs'],
    ['POST', '/fine_tuning/jobs'],
    ['POST', '/realtime/sessions'],
    ['POST', '/Chat/Completions'],
    ['POST', '/rerank'],
    ['POST', '/files%'],
    ['PUT', '/chat/completions'],
  ])('runs the model that its body names: %s %s', (method, path) => {
    expect(openAiOperation(method, path)).toMatchObject({ usesModel: false, runsModel: 'named', body: 'any' })
    expect(modelOf(method, path)).toBe('m')
  })

  it.each([
    '/batches',
    '/fine_tunings',
    '/fine_tuning/jobs/j/resume',
    '/fine_tuning/alpha/graders/run',
    '/threads/t/runs/r/submit_tool_outputs',
    '/evals',
    '/evals/e/runs',
    '/videos/v/remix',
    '/realtime/client_secrets',
    '/realtime/calls',
  ])('runs a model that cannot be told: %s', (path) => {
    expect(openAiOperation('POST', path)).toMatchObject({ usesModel: false, runsModel: 'untold' })
    expect(modelOf('POST', path)).toBe('')
  })

  it('is of no model where its body names none', () => {
    for (const body of [undefined, null, [], {}, { model: 7 }, { model: ['m'] }]) {
      expect(inspectOpenAiRequest(openAiOperation('POST', '/assistants'), body, 0).model).toBe('')
    }
  })

  it('has no model to be counted with where it runs none', () => {
    expect(modelOf('POST', '/files')).toBe('')
  })
})

function modelOf(method: string, path: string): string {
  return inspectOpenAiRequest(openAiOperation(method, path), { model: 'm' }, 100).model
}

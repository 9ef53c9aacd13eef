import { describe, expect, it } from 'vitest'
import { inspectOpenAiRequest } from './inspection.ts'
import { openAiOperation } from './operations.ts'

describe('a call that is none of the usual ones', () => {
  it.each([
    ['GET', '/responses/r'],
    ['GET', '/chat/completions'],
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
    const operation = openAiOperation(method, path)
    expect(operation).toMatchObject({ usesModel: false })
    expect(operation).not.toHaveProperty('runsModel')
  })

  it.each([
    ['POST', '/responses/of_tomorrow'],
    ['POST', '/threads/runs'],
    ['POST', '//threads/r%75ns/'],
    ['POST', '/threads/t/runs'],
    ['POST', '/engines/davinci/completions'],
    ['POST', '/deployments/d/chat/completions'],
    ['POST', '/rerank'],
    ['POST', '/Chat/Completions'],
    ['POST', '/chat/completions%20'],
    ['POST', '/chat/completions;v=1'],
    ['POST', '/chat%252Fcompletions'],
    ['POST', '/files%'],
    ['POST', '/files%20'],
    ['POST', '/vector_stores/v%3F'],
    ['POST', '/vector_stores/v;a/search'],
    ['POST', '/Files'],
    ['PUT', '/chat/completions'],
    ['PATCH', '/completions/'],
    ['TRACE', '/files/f'],
  ])('may run the model that it names, which is counted: %s %s', (method, path) => {
    expect(openAiOperation(method, path)).toMatchObject({
      usesModel: true,
      unlisted: true,
      runsModel: 'named',
      body: 'any',
    })
    expect(modelOf(method, path)).toBe('m')
  })

  it.each([
    '/threads/t/runs/r/submit_tool_outputs',
    '/fine_tuning/alpha/graders/run',
    '/evals',
    '/evals/e/runs',
    '/videos/v/remix',
  ])('runs an unknown model, which is counted: %s', (path) => {
    expect(openAiOperation('POST', path)).toMatchObject({ usesModel: true, unlisted: true, runsModel: 'unknown' })
  })

  it.each([
    ['/assistants', 'named', 'm'],
    ['/assistants/a', 'named', 'm'],
    ['/fine_tuning/jobs', 'named', 'm'],
    ['/fine_tuning/jobs/j/resume', 'unknown', ''],
    ['/batches', 'unknown', ''],
    ['/fine_tunings', 'unknown', ''],
    ['/realtime/client_secrets', 'unknown', ''],
    ['/realtime/calls', 'unknown', ''],
  ])('has a model run later or elsewhere, which is not counted: %s', (path, runsModel, model) => {
    expect(openAiOperation('POST', path)).toMatchObject({ usesModel: false, runsModel })
    expect(modelOf('POST', path)).toBe(model)
  })

  it('is of no model where its body names none', () => {
    for (const body of [undefined, null, [], {}, { model: 7 }, { model: ['m'] }]) {
      expect(inspectOpenAiRequest(openAiOperation('POST', '/assistants'), body, 0).model).toBe('')
      expect(inspectOpenAiRequest(openAiOperation('POST', '/rerank'), body, 0).model).toBe('')
    }
  })

  it('has no model to be counted with where it runs none', () => {
    expect(modelOf('POST', '/files')).toBe('')
  })
})

function modelOf(method: string, path: string): string {
  return inspectOpenAiRequest(openAiOperation(method, path), { model: 'm' }, 100).model
}

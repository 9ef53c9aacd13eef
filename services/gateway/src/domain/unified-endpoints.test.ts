import { expect, it } from 'vitest'
import { notOffered } from './unified-endpoints.ts'

it('names what there is, and where to find the rest', () => {
  expect(notOffered('POST', '/v1/responses?x=secret')).toBe(
    'POST /v1/responses is not offered here: the unified endpoints are POST /v1/chat/completions, POST /v1/embeddings and ' +
      "GET /v1/models. For all else, use a connection's own API, at /connections/NAME/v1/responses where its provider has that path.",
  )
})

it.each([
  ['GET', '/v1/chat/completions', '/v1/chat/completions takes POST, not GET.'],
  ['POST', '/v1/models/', '/v1/models takes GET, not POST.'],
  ['POST', '/v1/v1/chat/completions', /"\/v1" more than once.* the path is \/v1\/chat\/completions\./],
])('says of %s %s what was meant', (method, url, message) => {
  expect(notOffered(method, url)).toMatch(message)
})

it('shows no more of a long path than tells what it is', () => {
  expect(notOffered('GET', `/v1/${'a'.repeat(100_000)}`).length).toBeLessThan(600)
})

import fc from 'fast-check'
import { expect, it } from 'vitest'
import { inspectGoogleRequest } from './inspection.ts'
import { googleOperation } from './operations.ts'

it.each([
  [{ generationConfig: { maxOutputTokens: 64, candidateCount: 2 } }, { maxOutputTokens: 64, outputs: 2 }],
  [{ generation_config: { max_output_tokens: 65, candidate_count: 3 } }, { maxOutputTokens: 65, outputs: 3 }],
  [{ generationConfig: { maxOutputTokens: 1, max_output_tokens: 5_000 } }, { maxOutputTokens: 5_000 }],
  [
    {
      generationConfig: { maxOutputTokens: 1, candidateCount: 1 },
      generation_config: { max_output_tokens: 5_000, candidate_count: 8 },
    },
    { maxOutputTokens: 5_000, outputs: 8 },
  ],
  [{ generationConfig: {}, generation_config: { maxOutputTokens: 5_000 } }, { maxOutputTokens: 5_000 }],
  [{ generationConfig: { maxOutputTokens: '5000', candidateCount: '4' } }, { maxOutputTokens: 5_000, outputs: 4 }],
])('reads the output maximum and the candidates of %j', (body, expected) => {
  expect(inspect('generateContent', body)).toMatchObject({ model: 'gemini', streamed: false, ...expected })
})

it('finds no output maximum where the request states no valid one', () => {
  for (const maxOutputTokens of [undefined, 0, -1, 'many', null]) {
    expect(inspect('generateContent', { generationConfig: { maxOutputTokens } })).not.toHaveProperty('maxOutputTokens')
  }
  expect(inspect('generateContent', { generationConfig: 5 }).outputs).toBe(1)
})

it('recognizes a prompt that continues cached content', () => {
  expect(inspect('generateContent', { cachedContent: 'cachedContents/1' }).hasStoredPrompt).toBe(true)
  expect(inspect('generateContent', { cachedContent: null })).not.toHaveProperty('hasStoredPrompt')
})

it('recognizes a stream by its path', () => {
  expect(inspect('streamGenerateContent', {})).toMatchObject({ streamed: true, addsUsage: false })
})

it.each([
  ['embedContent', { content: { parts: [{ text: 'x' }] } }, 1],
  ['countTokens', { contents: [{ parts: [{ text: 'x' }] }] }, 0],
  ['batchGenerateContent', { batch: {} }, 0],
])('%s has no output', (action, body, promptBytes) => {
  expect(inspect(action, body)).toMatchObject({ model: 'gemini', maxOutputTokens: 0, promptBytes })
})

it('counts the media in contents, instructions and function responses, and the text around them', () => {
  const inlineData = (data: string) => ({ inlineData: { mimeType: 'image/png', data } })
  const body = {
    systemInstruction: { parts: [{ text: 's' }, inlineData('A'.repeat(100))] },
    contents: [
      {
        role: 'user',
        parts: [
          { text: 'look' },
          inlineData('B'.repeat(1_000)),
          { inline_data: { mime_type: 'image/png', data: 'C'.repeat(50) } },
          { fileData: { mimeType: 'application/pdf', fileUri: 'https://example.com/f' } },
        ],
      },
      { role: 'model', parts: [{ functionCall: { name: 'look', args: { inlineData: { data: 'DDDD' } } } }] },
      {
        role: 'user',
        parts: [{ functionResponse: { name: 'look', response: {}, parts: [inlineData('E'.repeat(7))] } }],
      },
    ],
    tools: [{ functionDeclarations: [{ name: 'look' }] }],
  }
  const sizeBytes = Buffer.byteLength(JSON.stringify(body))
  expect(inspect('generateContent', body, sizeBytes)).toMatchObject({
    mediaParts: 5,
    // The density of capitals and quotes comes to the bytes.
    promptBytes: ['s', 'look', 'look', '{"inlineData":{"data":"DDDD"}}', 'look', '{}'].join('').length + 26,
  })
})

it('counts the media of embeddings', () => {
  const part = { inlineData: { mimeType: 'image/png', data: 'AAAA' } }
  expect(inspect('embedContent', { content: { parts: [part] } })).toMatchObject({ mediaParts: 1, promptBytes: 0 })
  const requests = [{ model: 'models/gemini', content: { parts: [part] } }, { content: { parts: [{ text: 'x' }] } }]
  expect(inspect('batchEmbedContents', { requests })).toMatchObject({ mediaParts: 1, promptBytes: 1 })
})

it('counts no tokens for a batch, whose tokens have limits of their own', () => {
  const batch = { inputConfig: { requests: { requests: [{ request: { contents: [{ parts: [{ text: 'x' }] }] } }] } } }
  for (const body of [undefined, {}, { batch }]) {
    expect(inspect('batchGenerateContent', body)).toMatchObject({ model: 'gemini', promptBytes: 0, maxOutputTokens: 0 })
  }
})

it('never throws, and returns only valid counts, for any body', () => {
  const actions = fc.constantFrom('generateContent', 'streamGenerateContent', 'batchEmbedContents', 'countTokens', 'x')
  fc.assert(
    fc.property(actions, fc.json(), (action, json) => {
      const value: unknown = JSON.parse(json)
      for (const body of [
        value,
        { contents: value, requests: value, content: value, systemInstruction: value, generationConfig: value },
        { contents: [{ parts: value }, { parts: [{ functionResponse: value, inlineData: value, fileData: value }] }] },
        { generationConfig: { maxOutputTokens: value, candidateCount: value } },
      ]) {
        const { promptBytes, mediaParts, outputs, maxOutputTokens = 0 } = inspect(action, body, json.length)
        for (const count of [promptBytes, mediaParts, outputs, maxOutputTokens]) expect(count).toBeGreaterThanOrEqual(0)
      }
    }),
  )
})

function inspect(action: string, body: unknown, sizeBytes = 1_000) {
  const operation = googleOperation('POST', `/v1beta/models/gemini:${action}`)
  if (operation === undefined) throw new Error(`no operation ${action}`)
  return inspectGoogleRequest(operation, body, sizeBytes)
}

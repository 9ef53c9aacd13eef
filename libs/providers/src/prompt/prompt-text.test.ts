import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { promptText } from './prompt-text.ts'

const lengths = (...texts: string[]): number => texts.reduce((sum, text) => sum + Buffer.byteLength(text), 0)
const SEALED = 'QUJD'.repeat(500)

describe('the text of a prompt', () => {
  it('is what the messages say, not how they are put together', () => {
    const messages = [
      { role: 'system', content: 'Be brief.' },
      { role: 'user', content: [{ type: 'text', text: 'Größe?' }], name: 'Ann' },
    ]
    const body = {
      model: 'm',
      messages,
      temperature: 0.7,
      stream: true,
      metadata: { note: 'x'.repeat(900) },
      user: 'u',
    }
    expect(promptText(body)).toEqual({
      textBytes: lengths('Be brief.', 'Größe?', 'Ann'),
      denseBytes: 11,
      toolBytes: 0,
      schemaBytes: 0,
      sealedBytes: 0,
      turns: 2,
      calls: 0,
    })
  })

  it('does not depend on how the JSON is written', () => {
    const body = { messages: [{ role: 'user', content: '"中文"\n😀' }] }
    const escaped = JSON.parse(
      '{ "messages" : [ {"role":"user", "content":"\\"\\u4e2d\\u6587\\"\\n\\ud83d\\ude00"} ] }',
    )
    expect(promptText(escaped)).toEqual(promptText(body))
  })

  it.each([
    ['Anthropic', { content: [{ type: 'tool_use', id: 'toolu_1', name: 'add', input: { a: 1, b: [true, null] } }] }],
    ['Google', { parts: [{ functionCall: { id: 'c', name: 'add', args: { a: 1, b: [true, null] } } }] }],
    ['Converse', { content: [{ toolUse: { toolUseId: 't', name: 'add', input: { a: 1, b: [true, null] } } }] }],
  ])("has a tool's arguments as JSON, of %s", (_, message) => {
    expect(promptText({ messages: [message] }).textBytes).toBe(lengths('add', '{"a":1,"b":[true,null]}'))
  })

  it.each([
    ['a chat', { messages: [{ role: 'tool', tool_call_id: 'call_1', content: 'sunny' }] }],
    ['responses', { input: [{ type: 'function_call_output', call_id: 'call_1', output: 'sunny' }] }],
    ['messages', { messages: [{ content: [{ type: 'tool_result', tool_use_id: 't', content: 'sunny' }] }] }],
    ['Converse', { messages: [{ content: [{ toolResult: { toolUseId: 't', content: [{ text: 'sunny' }] } }] }] }],
  ])("has a tool's result and none of its ids: %s", (_, body) => {
    expect(promptText(body)).toMatchObject({ textBytes: 'sunny'.length, turns: 1 })
    expect(promptText(body).calls).toBeGreaterThan(0)
  })

  it.each([
    ['a prompt', { prompt: 'Once upon' }, 9],
    ['several prompts', { prompt: ['ab', 'cd'] }, 4],
    ["tokens' numbers", { input: [[15_496, 995], [1]] }, 12],
    ['an unknown member', { model: 'm', scene: { words: ['ab', 'c'] } }, 3],
  ])('is also in %s', (_, body, textBytes) => {
    expect(promptText(body).textBytes).toBe(textBytes)
  })
})

it.each([
  ['English', 'The harbour is quiet at night. ', 0],
  ['Chinese', '港口在夜里很安静。', 0],
  ['German', 'Der Hafen schläft, größtenteils; über den Dächern schlägt es fünf. ', 0.1],
  ['emoji', '😀🚢⚓🌙', 0.1],
])('is measured in UTF-8, however long it is: %s', (_, text, tolerance) => {
  for (const times of [1, 3, 50, 5_000]) {
    const content = text.repeat(times)
    const { textBytes } = promptText({ messages: [{ role: 'user', content }] })
    expect(Math.abs(textBytes / Buffer.byteLength(content) - 1)).toBeLessThanOrEqual(tolerance)
  }
})

const PROSE = 'The lock keeper opens the upper gate at dawn and closes it again at dusk. '.repeat(40)

describe('the density of a text', () => {
  const densityOf = (content: unknown) => {
    const { textBytes, denseBytes } = promptText({ messages: [{ role: 'user', content }] })
    return denseBytes / textBytes
  }

  // By how much more prose than its own bytes o200k's tokens of such a text are worth.
  it.each([
    ['prose', PROSE, 0, 0.1],
    ['Arabic', 'الميناء هادئ في الليل. '.repeat(50), 0, 0.15],
    ['Chinese', '港口在夜里很安静。'.repeat(50), 0.05, 0.2],
    ['code', 'if (a.b[i] !== c.d(e)) return { ok: false, id: next(i, 0) }\n'.repeat(30), 0.15, 0.9],
    ['JSON', '{"id":4711,"sku":"AB-20","price":8.95,"tags":["new"]},'.repeat(30), 0.6, 1.2],
    ['numbers', '104729348812077 '.repeat(60), 0.6, 1.3],
    ['base64', Buffer.from(Buffer.from(PROSE).map((byte, i) => byte ^ ((i * 167) & 0xff))).toString('base64'), 1, 2],
    ['emoji', '😀🚢⚓🌙'.repeat(30), 0.3, 0.8],
  ])('is that of its characters: %s', (_, text, least, most) => {
    expect(densityOf(text)).toBeGreaterThanOrEqual(least)
    expect(densityOf(text)).toBeLessThanOrEqual(most)
  })

  it('is that of a call as well, whose arguments are JSON', () => {
    const input = { ids: [4711, 4712, 4713], filter: { state: 'open', owner: null } }
    const { textBytes, denseBytes } = promptText({ messages: [{ content: [{ type: 'tool_use', input }] }] })
    expect(denseBytes / textBytes).toBeGreaterThan(0.4)
  })

  it('is no part of the definitions of tools', () => {
    expect(promptText({ tools: [{ name: 'A_1', input_schema: { a: [1, 2, 3] } }] }).denseBytes).toBe(0)
  })
})

describe('sealed reasoning', () => {
  it.each([
    ["Google's signatures", { contents: [{ parts: [{ text: 'hi', thoughtSignature: SEALED }] }] }],
    ['in snake case', { contents: [{ parts: [{ text: 'hi', thought_signature: SEALED }] }] }],
    ["Anthropic's", { messages: [{ content: [{ type: 'thinking', thinking: 'hi', signature: SEALED }] }] }],
    ['redacted', { messages: [{ content: [{ type: 'redacted_thinking', data: SEALED }, 'hi'] }] }],
    ["OpenAI's", { input: [{ type: 'reasoning', id: 'rs', summary: [], encrypted_content: SEALED }, 'hi'] }],
    ['search results', { messages: [{ content: [{ type: 'web_search_result', encrypted_content: SEALED }, 'hi'] }] }],
    ["Converse's", { messages: [{ content: [{ reasoningContent: { redactedContent: SEALED } }, { text: 'hi' }] }] }],
    [
      "Converse's signatures",
      { messages: [{ content: [{ reasoningContent: { reasoningText: { text: 'hi', signature: SEALED } } }] }] },
    ],
    [
      "OpenRouter's",
      { messages: [{ content: 'hi', reasoning_details: [{ type: 'reasoning.encrypted', data: SEALED }] }] },
    ],
    ["GitHub's", { messages: [{ content: 'hi', reasoning_opaque: SEALED }] }],
  ])('is no text: %s', (_, body) => {
    expect(promptText(body)).toMatchObject({ textBytes: 'hi'.length, sealedBytes: SEALED.length })
  })

  it("is text where it is a tool's own argument", () => {
    const input = { signature: SEALED }
    expect(promptText({ messages: [{ content: [{ type: 'tool_use', input }] }] })).toMatchObject({
      textBytes: JSON.stringify(input).length,
      sealedBytes: 0,
    })
  })
})

it.each([
  [
    'OpenAI',
    { messages: [{ content: [{ type: 'image_url', image_url: { url: `data:image/png;base64,${SEALED}` } }] }] },
  ],
  [
    'a video',
    { messages: [{ content: [{ type: 'video_url', video_url: { url: `data:video/mp4;base64,${SEALED}` } }] }] },
  ],
  ['sound', { messages: [{ content: [{ type: 'input_audio', input_audio: { data: SEALED, format: 'wav' } }] }] }],
  ['a file', { input: [{ content: [{ type: 'input_file', file_data: `data:application/pdf;base64,${SEALED}` }] }] }],
  ['an edit', { images: [{ image_url: `data:image/png;base64,${SEALED}` }], mask: SEALED }],
  ['Anthropic', { messages: [{ content: [{ type: 'image', source: { type: 'base64', data: SEALED } }] }] }],
  ['Google', { contents: [{ parts: [{ inlineData: { mimeType: 'image/png', data: SEALED } }] }] }],
  ['Converse', { messages: [{ content: [{ image: { format: 'png', source: { bytes: SEALED } } }] }] }],
])('media are no text: %s', (_, body) => {
  expect(promptText(body).textBytes).toBe(0)
})

it('distinguishes tools and schemas from text', () => {
  const tools = [{ type: 'function', function: { name: 'add', parameters: { type: 'object' } } }]
  const response_format = { type: 'json_schema', json_schema: { name: 'r', schema: { type: 'object' } } }
  expect(promptText({ messages: [], tools, response_format })).toMatchObject({
    textBytes: 0,
    toolBytes: JSON.stringify(tools).length,
    schemaBytes: JSON.stringify(response_format).length,
  })
  const config = { generationConfig: { responseSchema: { type: 'OBJECT' } } }
  expect(promptText(config)).toMatchObject({ textBytes: 0, schemaBytes: '{"type":"OBJECT"}'.length })
})

it('never throws, and counts no more than the body has', () => {
  fc.assert(
    fc.property(fc.json(), (json) => {
      const value: unknown = JSON.parse(json)
      const body = { messages: value, tools: value, input: value, contents: [value], response_format: value }
      const { textBytes, toolBytes, schemaBytes, sealedBytes } = promptText(body)
      const size = Buffer.byteLength(JSON.stringify(body))
      for (const count of [textBytes, toolBytes, schemaBytes, sealedBytes]) {
        expect(count >= 0 && Number.isFinite(count)).toBe(true)
      }
      // Numbers in lists may be tokens, of which the shortest has a digit and a comma.
      expect(textBytes + toolBytes + schemaBytes + sealedBytes).toBeLessThanOrEqual(size * 2)
    }),
  )
})

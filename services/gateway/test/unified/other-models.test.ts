import { expect, it } from 'vitest'
import { startBedrockPath } from '../support/start-bedrock-path.ts'
import { startBeforeAll } from '../support/start-before-all.ts'
import { clientOf } from '../support/unified-client.ts'
import { LEVEL_FORMAT, LEVEL_TOOL, type UnifiedConnect } from '../support/unified-formats.ts'

/** A model whose field for a JSON schema is missing, as the simulated Bedrock says, too. */
const NOVA = 'us.amazon.nova-lite-v1:0'
const JPEG = Buffer.from('ffd8ffe000104a46494600010100000100010000', 'hex').toString('base64')

const path = startBeforeAll(startBedrockPath)

const connect: UnifiedConnect = async (settings = {}) => {
  const connection = await path.connect(settings)
  const { name } = connection.settings
  const messages = [{ role: 'user' as const, content: 'How high is the water at Hythe?' }]
  const { completions } = clientOf(path).chat
  return { ...connection, completions, request: { model: `${name}/${NOVA}`, max_tokens: 400, messages }, name }
}

it('a Nova model responds by a schema, plain and streamed', async () => {
  const { completions, request, isCharged } = await connect()
  const chatRequest = { ...request, response_format: LEVEL_FORMAT }
  const whole = await completions.parse(chatRequest)
  const streamed = await completions.stream(chatRequest).finalChatCompletion()
  for (const { choices } of [whole, streamed]) {
    expect(choices[0]).toMatchObject({ finish_reason: 'stop' })
    expect(choices[0]?.message.tool_calls ?? []).toEqual([])
    expect(choices[0]?.message.parsed).toMatchObject({ gate: expect.any(String), tide: 'ebb' })
  }
  expect(streamed.choices[0]?.message.content).toBe(whole.choices[0]?.message.content)
  await isCharged({ requests: 2, tokens: 2 * (whole.usage?.total_tokens ?? Number.NaN) })
})

it('a Nova model calls the application’s tools although there is a schema', async () => {
  const { completions, request } = await connect()
  const json_schema = { name: 'level', schema: { type: 'object', properties: { metres: { type: 'number' } } } }
  const chatRequest = {
    ...request,
    tools: [LEVEL_TOOL],
    response_format: { type: 'json_schema' as const, json_schema },
  }
  const { choices } = await completions.create(chatRequest)
  expect(choices[0]).toMatchObject({
    finish_reason: 'tool_calls',
    message: { tool_calls: [{ function: { name: 'get_level' } }] },
  })
})

it('a Nova model gets a PDF, and an image by its actual type', async () => {
  const { completions, request } = await connect()
  const pdf = `data:application/pdf;base64,${Buffer.from('%PDF-1.7').toString('base64')}`
  const content = [
    { type: 'text' as const, text: 'Compare.' },
    { type: 'file' as const, file: { filename: 'level.pdf', file_data: pdf } },
    { type: 'image_url' as const, image_url: { url: `data:image/jpg;base64,${JPEG}` } },
  ]
  const { choices } = await completions.create({ ...request, messages: [{ role: 'user', content }] })
  expect(choices[0]?.finish_reason).toBe('stop')
  const sent = JSON.parse(path.simulator.requests.list().at(-1)?.content?.body ?? '')
  expect(sent.messages[0].content).toEqual([
    { text: 'Compare.' },
    { document: { format: 'pdf', name: 'document 1', source: { bytes: pdf.split(',')[1] } } },
    { image: { format: 'jpeg', source: { bytes: JPEG } } },
  ])
})

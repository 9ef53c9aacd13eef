import { JsonStructure, providerAdapter } from '@sluice/providers'
import { afterAll, beforeEach, expect, it } from 'vitest'
import { type BodyReader, createBodyReader } from '../estimate/body-reader.ts'
import type { Call } from './call.ts'
import { type InspectDeps, inspectCall } from './inspect-call.ts'

/** By a clock that stands still, so that it is the estimates that decide where a body is read. */
const bodyReader = createBodyReader(
  () => 0,
  (fault) => {
    throw fault
  },
)
/** Which readings were done, and whether in this thread. */
let readings: (readonly [name: string, isHere: boolean])[]

beforeEach(() => {
  readings = []
})
afterAll(() => bodyReader.stop())

const watched: BodyReader['read'] = (name, input, task) => {
  const reading = bodyReader.read(name, input, task)
  readings.push([name, !(reading instanceof Promise)])
  return reading
}

async function faultOf(text: string): Promise<string> {
  const body = Buffer.from(text)
  const structure = new JsonStructure()
  structure.push(body)
  const adapter = providerAdapter('openai')
  const plane = { bodyReader: { read: watched } }
  const call = {
    apiKey: { id: 'k' },
    connection: { settings: { provider: 'openai', requestStreamUsage: false }, adapter },
    operation: adapter.operation('POST', '/v1/chat/completions'),
    headers: {},
  }
  const preparation = await inspectCall(
    plane as unknown as InspectDeps,
    call as unknown as Call,
    { kind: 'json', body, structure },
    { mayWait: true, isDisconnected: () => false },
  )
  return preparation.status === 'refused' ? preparation.error.message : expect.fail('it was prepared')
}

it('says at once what is wrong with a small body', async () => {
  expect(await faultOf('{"model":"m",}')).toContain('right after a comma')
  expect(readings).toEqual([
    ['inspect', true],
    ['bodyFault', true],
  ])
})

it.each([
  ['a string that does not end', `{"model":"m","x":"${'x'.repeat(900_000)}`],
  ['many escapes', `{"model":"m","x":"${'\\n'.repeat(400_000)}`],
  ['white space', `{"model":"m",${' '.repeat(800_000)}}`],
])('looks for the fault in another thread where that takes long: %s', async (_, text) => {
  expect(await faultOf(text)).toMatch(/^The body is not valid JSON: at byte \d{6}/)
  // Finding that it is no JSON is quick enough to be done here.
  expect(readings).toEqual([
    ['inspect', true],
    ['bodyFault', false],
  ])
})

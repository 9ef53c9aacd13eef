import { expect, it } from 'vitest'
import { shiftedNatsTime } from './shifted-nats-time.ts'

const HOUR_MS = 3_600_000

/** Returns the output for `text`, which is written in pieces of `pieceBytes` bytes. */
async function passed(text: string, shiftMs: number, pieceBytes = text.length): Promise<string> {
  const stream = shiftedNatsTime(() => shiftMs)
  for (let offset = 0; offset < text.length; offset += pieceBytes) stream.write(text.slice(offset, offset + pieceBytes))
  stream.end()
  const pieces: Buffer[] = []
  for await (const piece of stream) pieces.push(piece as Buffer)
  return Buffer.concat(pieces).toString()
}

const message = (subject: string, payload: string) => `MSG ${subject} ${payload.length}\r\n${payload}\r\n`
const storedAt = (time: string) =>
  message(
    '_INBOX.a 1',
    `{"type":"io.nats.jetstream.api.v1.stream_msg_get_response","message":{"seq":4,"data":"IjIwMjYi","time":"${time}"}}`,
  )

it.each([1, 7, 10_000])('shifts the time at which a message was stored, in pieces of %i bytes', async (bytes) => {
  const text = `INFO {}\r\n${storedAt('2026-11-22T23:30:00.123456789Z')}PING\r\n${storedAt('2026-11-22T23:30:00Z')}`
  const expected = `INFO {}\r\n${storedAt('2026-11-23T00:30:00.123456789Z')}PING\r\n${storedAt('2026-11-23T00:30:00Z')}`
  expect(await passed(text, HOUR_MS, bytes)).toBe(expected)
})

it('shifts the time in an acknowledgement subject, also in a message with headers', async () => {
  const ack = (atNs: string) => `$JS.ACK.KV_x.consumer.1.7.3.${atNs}.0`
  const text = (atNs: string) =>
    `${message(`$KV.x.key 2 ${ack(atNs)}`, '{}')}HMSG $KV.x.key 2 ${ack(atNs)} 12 14\r\nNATS/1.0\r\n\r\n{}\r\n`
  expect(await passed(text('1764000000123456789'), -HOUR_MS)).toBe(text('1763996400123456789'))
})

it('does not change payloads of applications', async () => {
  const text = message('a.b 1', '{"time":"2026-11-22T23:30:00Z","reply":"$JS.ACK.x.y.1.7.3.1764000000123456789.0 "}')
  expect(await passed(text, HOUR_MS)).toBe(text)
})

it('changes nothing without a shift', async () => {
  expect(await passed(storedAt('2026-11-22T23:30:00Z'), 0)).toBe(storedAt('2026-11-22T23:30:00Z'))
})

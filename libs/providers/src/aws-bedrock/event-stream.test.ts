import fc from 'fast-check'
import { expect, it } from 'vitest'
import { cut } from '../../test/fixtures/wire/pieces.ts'
import { AwsEventFrames } from './event-stream.ts'

it('finds each message, however the stream is split', () => {
  const messages = fc.array(fc.integer({ min: 16, max: 400 }).map(messageOf))
  fc.assert(
    fc.property(messages, fc.array(fc.integer({ min: 1, max: 500 }), { minLength: 1 }), (given, sizes) => {
      expect(framesIn(cut(Buffer.concat(given), sizes))).toEqual(given)
    }),
    { numRuns: 1_000 },
  )
})

it('omits an incomplete message', () => {
  expect(framesIn([messageOf(20), messageOf(30).subarray(0, 29)])).toEqual([messageOf(20)])
})

it.each([0, 15, 0x7fffffff, 0xffffffff])('finds nothing after a length of %d', (length) => {
  const impossible = Buffer.alloc(20)
  impossible.writeUInt32BE(length)
  expect(framesIn([messageOf(20), impossible, messageOf(20)])).toEqual([messageOf(20)])
})

function framesIn(pieces: readonly Buffer[]): Buffer[] {
  const found: Buffer[] = []
  const frames = new AwsEventFrames((frame) => found.push(Buffer.from(frame)))
  for (const piece of pieces) frames.push(piece)
  frames.end()
  return found
}

function messageOf(length: number): Buffer {
  const message = Buffer.alloc(length, length % 251)
  message.writeUInt32BE(length)
  return message
}

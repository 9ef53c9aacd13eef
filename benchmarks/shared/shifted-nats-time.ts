import { Transform, type TransformCallback } from 'node:stream'

/**
 * Changes what a NATS server sends so that its clock seems shifted: the timestamps in JetStream's replies, and those in
 * the acknowledgement subjects of consumers' messages. Payloads of applications stay unchanged.
 * @param shiftMs returns how far the clock is ahead now: whole seconds in milliseconds, so that no message changes its
 * length
 * @see https://docs.nats.io/reference/reference-protocols/nats-protocol
 */
export function shiftedNatsTime(shiftMs: () => number): Transform {
  let rest: Buffer = Buffer.alloc(0)
  return new Transform({
    transform(piece: Buffer, _encoding, done: TransformCallback) {
      rest = rest.length === 0 ? piece : Buffer.concat([rest, piece])
      for (;;) {
        const endOffset = firstMessageEnd(rest)
        if (endOffset === undefined) break
        this.push(shifted(rest.subarray(0, endOffset), shiftMs()))
        rest = rest.subarray(endOffset)
      }
      done()
    },
    flush(done) {
      done(null, rest)
    },
  })
}

/** `MSG subject sid [reply] bytes`, `HMSG subject sid [reply] headBytes bytes`. */
const MESSAGE = /^H?MSG /

/** Returns undefined if the first message is incomplete. */
function firstMessageEnd(bytes: Buffer): number | undefined {
  const lineEnd = bytes.indexOf('\r\n')
  if (lineEnd < 0) return undefined
  const line = bytes.toString('latin1', 0, lineEnd)
  if (!MESSAGE.test(line)) return lineEnd + 2
  const end = lineEnd + 2 + Number(line.split(' ').at(-1)) + 2
  return end <= bytes.length ? end : undefined
}

function shifted(message: Buffer, shiftMs: number): Buffer {
  const text = message.toString('latin1')
  if (shiftMs === 0 || !MESSAGE.test(text)) return message
  const lineEnd = text.indexOf('\r\n')
  const line = text.slice(0, lineEnd).replace(ACK_TIME, (_, before: string, atNs: string) => {
    return `${before}${BigInt(atNs) + BigInt(shiftMs) * 1_000_000n}`
  })
  const rest = text.slice(lineEnd)
  return Buffer.from(line + (JETSTREAM_REPLY.test(rest) ? shiftedTimes(rest, shiftMs) : rest), 'latin1')
}

/** `$JS.ACK.stream.consumer.delivered.streamSequence.consumerSequence.nanoseconds.pending`. */
const ACK_TIME = /( \$JS\.ACK\.\S*\.)(\d{19})(?=\.\d+ )/
const JETSTREAM_REPLY = /^\r\n\{"type":"io\.nats\.jetstream\.api\.v1\./

function shiftedTimes(json: string, shiftMs: number): string {
  return json.replace(/"(20\d\d-\d\d-\d\dT\d\d:\d\d:\d\d)((?:\.\d+)?Z)"/g, (_, seconds: string, rest: string) => {
    const shiftedSeconds = new Date(Date.parse(`${seconds}Z`) + shiftMs).toISOString().slice(0, 19)
    return `"${shiftedSeconds}${rest}"`
  })
}

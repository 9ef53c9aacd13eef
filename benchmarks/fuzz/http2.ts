import { type Conversation, conversationOf } from './conversation.ts'
import { END_HEADERS, END_STREAM, FRAME, frame, headerBlock, PADDED, PREFACE, uint32 } from './http2-frames.ts'
import { bodyOf, type Field, methodOf, oddFields, pathOf, type Target, validFields } from './odd-input.ts'
import type { Random } from './random.ts'

/** Generates an HTTP/2 connection: requests that are valid or malformed to some degree, among frames of every type. */
export function http2Conversation(random: Random, target: Target): Conversation {
  const frames: Buffer[] = [random.isTrue(0.97) ? PREFACE : PREFACE.subarray(0, random.int(PREFACE.length))]
  frames.push(random.isTrue(0.9) ? frame(FRAME.settings, 0, 0, Buffer.alloc(0)) : settings(random))
  const streams = new Streams(random)
  for (let steps = 1 + random.int(8); steps > 0; steps--) {
    if (random.isTrue(0.85)) frames.push(...request(random, target, streams))
    else if (random.isTrue(0.1)) frames.push(...flood(random, target, streams))
    else frames.push(oddFrame(random, streams))
  }
  return conversationOf(random, 'http2', Buffer.concat(frames))
}

/** Generates stream ids, most of them valid. */
class Streams {
  readonly #random: Random
  #latest = -1

  constructor(random: Random) {
    this.#random = random
  }

  open(): number {
    if (this.#random.isTrue(0.03)) return this.any()
    this.#latest += 2
    return this.#latest
  }

  any(): number {
    return this.#random.pick([0, 1, 2, this.#latest, this.#latest, this.#latest + 2, 0x7fffffff, 0xffffffff])
  }
}

function request(random: Random, target: Target, streams: Streams): Buffer[] {
  const stream = streams.open()
  const chance = random.isTrue(0.5) ? 0.1 : 0.5
  const body = random.isTrue(chance / 2) ? undefined : bodyOf(random, chance)
  const block = headerBlock(head(random, target, body, chance))
  const end = body === undefined ? END_STREAM : 0
  const frames = random.isTrue(0.85)
    ? [frame(FRAME.headers, END_HEADERS | end, stream, block)]
    : inParts(random, stream, block, end)
  if (body !== undefined) frames.push(...dataFrames(random, stream, body))
  if (random.isTrue(0.1)) {
    const trailers = headerBlock(oddFields(random, target, 2))
    frames.push(frame(FRAME.headers, END_HEADERS | END_STREAM, stream, trailers))
  }
  if (random.isTrue(0.15)) frames.splice(random.int(frames.length + 1), 0, reset(random, stream))
  return frames
}

function head(random: Random, target: Target, body: Buffer | undefined, chance: number): Field[] {
  const pseudo: Field[] = [
    [':method', methodOf(random, chance)],
    [':scheme', random.isTrue(0.95) ? 'http' : 'x'],
    [':authority', random.isTrue(0.95) ? 'gateway' : ''],
    [':path', pathOf(random, target, chance)],
  ]
  if (random.isTrue(0.05)) pseudo.splice(random.int(4), 1)
  // Most odd fields end a stream before any handler sees it.
  const fields = random.isTrue(chance) ? oddFields(random, target, 4) : validFields(random, target)
  if (body !== undefined && random.isTrue(0.2))
    fields.push(['content-length', String(body.length + (random.isTrue(0.7) ? 0 : 1))])
  return random.isTrue(0.03) ? [...fields, ...pseudo] : [...pseudo, ...fields]
}

function inParts(random: Random, stream: number, block: Buffer, end: number): Buffer[] {
  const cut = random.int(block.length + 1)
  const frames = [
    frame(FRAME.headers, end, stream, block.subarray(0, cut)),
    frame(FRAME.continuation, END_HEADERS, stream, block.subarray(cut)),
  ]
  // No other frame is allowed between the two.
  if (random.isTrue(0.2)) frames.splice(1, 0, frame(FRAME.ping, 0, 0, Buffer.alloc(8)))
  return frames
}

function dataFrames(random: Random, stream: number, body: Buffer): Buffer[] {
  const frames: Buffer[] = []
  for (let at = 0; at < body.length; at += MAX_FRAME_BYTES) {
    frames.push(frame(FRAME.data, 0, stream, body.subarray(at, at + MAX_FRAME_BYTES)))
  }
  if (random.isTrue(0.1))
    frames.push(frame(FRAME.data, PADDED, stream, Buffer.concat([random.bytes(1), body.subarray(0, 100)])))
  if (random.isTrue(0.9)) frames.push(frame(FRAME.data, END_STREAM, stream, Buffer.alloc(0)))
  return frames
}

const MAX_FRAME_BYTES = 16_384
const NUMBERS = [0, 1, 2, 100, 16_383, 16_384, 65_535, 0x7fffffff, 0x80000000, 0xffffffff] as const

function oddFrame(random: Random, streams: Streams): Buffer {
  const stream = streams.any()
  switch (random.int(9)) {
    case 0:
      return settings(random)
    case 1:
      return frame(FRAME.windowUpdate, random.int(256), stream, uint32(random.pick(NUMBERS)))
    case 2:
      return frame(
        FRAME.priority,
        0,
        stream,
        Buffer.concat([uint32(random.isTrue(0.3) ? stream : random.int(9)), random.bytes(1)]),
      )
    case 3:
      return reset(random, stream)
    case 4:
      return frame(
        FRAME.ping,
        random.int(2),
        random.isTrue(0.8) ? 0 : stream,
        random.bytes(random.isTrue(0.8) ? 8 : random.int(20)),
      )
    case 5:
      return frame(
        FRAME.goaway,
        0,
        0,
        Buffer.concat([uint32(stream), uint32(random.int(20)), random.bytes(random.int(50))]),
      )
    case 6:
      return frame(FRAME.pushPromise, END_HEADERS, stream, Buffer.concat([uint32(2), random.bytes(5)]))
    case 7: {
      const payload = random.bytes(random.int(50))
      return frame(
        random.int(16),
        random.int(256),
        stream,
        payload,
        random.isTrue(0.3) ? random.int(2 ** 24) : payload.length,
      )
    }
    default:
      return frame(10 + random.int(246), random.int(256), stream, random.bytes(random.int(50)))
  }
}

function settings(random: Random): Buffer {
  const entries = Array.from({ length: random.int(6) }, () => {
    const entry = Buffer.alloc(6)
    entry.writeUInt16BE(random.int(12))
    entry.writeUInt32BE(random.pick(NUMBERS), 2)
    return entry
  })
  const isAcknowledged = random.isTrue(0.1) ? 1 : 0
  return frame(FRAME.settings, isAcknowledged, random.isTrue(0.95) ? 0 : 1, Buffer.concat(entries))
}

function reset(random: Random, stream: number): Buffer {
  return frame(FRAME.rstStream, 0, stream, uint32(random.isTrue(0.8) ? random.int(14) : 0xffffffff))
}

/** Generates many frames of the same kind. */
function flood(random: Random, target: Target, streams: Streams): Buffer[] {
  const times = 50 + random.int(1_500)
  const repeat = (make: (index: number) => Buffer): Buffer[] => Array.from({ length: times }, (_, index) => make(index))
  const stream = streams.open()
  const block = headerBlock(head(random, target, undefined, 0.3))
  switch (random.int(8)) {
    case 0:
      return [
        frame(FRAME.headers, 0, stream, block),
        ...repeat(() => frame(FRAME.continuation, 0, stream, random.bytes(20))),
      ]
    case 1:
      return [
        frame(FRAME.headers, 0, stream, block),
        ...repeat(() => frame(FRAME.continuation, 0, stream, Buffer.alloc(0))),
      ]
    case 2:
      return repeat(() => frame(FRAME.ping, 0, 0, Buffer.alloc(8)))
    case 3:
      return repeat(() => frame(FRAME.settings, 0, 0, Buffer.alloc(0)))
    case 4:
      return [
        frame(FRAME.headers, END_HEADERS, stream, block),
        ...repeat(() => frame(FRAME.data, 0, stream, Buffer.alloc(0))),
      ]
    case 5:
      return repeat(() => {
        const one = streams.open()
        return Buffer.concat([frame(FRAME.headers, END_HEADERS | END_STREAM, one, block), reset(random, one)])
      })
    case 6:
      return repeat(() => frame(FRAME.headers, END_HEADERS | END_STREAM, streams.open(), block))
    default:
      return repeat((index) =>
        frame(index % 2 === 0 ? FRAME.windowUpdate : FRAME.priority, 0, stream, uint32(index % 3)),
      )
  }
}

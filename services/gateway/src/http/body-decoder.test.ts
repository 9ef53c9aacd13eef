import { gzipSync, zstdCompressSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import { createBodyDecoder, type DecodeOptions } from './body-decoder.ts'

const MIB = 1024 * 1024
const BOMB = gzipSync(Buffer.alloc(32 * MIB))
const decoding = (owner: string, keep: DecodeOptions<string>['keep'] = () => undefined): DecodeOptions<string> => ({
  owner,
  isDisconnected: () => false,
  keep,
})

it('lets the event loop turn while it decodes', async () => {
  let turns = 0
  let isOver = false
  const turn = (): void => {
    turns++
    if (!isOver) setImmediate(turn)
  }
  setImmediate(turn)
  expect(await createBodyDecoder().decode(BOMB, 'gzip', decoding('a'))).toEqual({ status: 'decoded' })
  isOver = true
  expect(turns).toBeGreaterThan(100)
})

it('decodes three bodies at a time, two of them of one API key, and lets API keys take turns', async () => {
  const decoder = createBodyDecoder()
  const begun: string[] = []
  const ended: string[] = []
  let running = 0
  let mostRunning = 0
  let ownRunning = 0
  let mostOwnRunning = 0
  const decode = async (owner: string) => {
    let isFirst = true
    await decoder.decode(
      BOMB,
      'gzip',
      decoding(owner, () => {
        if (!isFirst) return undefined
        isFirst = false
        begun.push(owner)
        mostRunning = Math.max(mostRunning, ++running)
        if (owner === 'a') mostOwnRunning = Math.max(mostOwnRunning, ++ownRunning)
        return undefined
      }),
    )
    running--
    if (owner === 'a') ownRunning--
    ended.push(owner)
  }
  await Promise.all(['a', 'a', 'a', 'a', 'a', 'b'].map(decode))
  expect([mostRunning, mostOwnRunning]).toEqual([3, 2])
  expect(begun.indexOf('b')).toBeLessThan(3)
  expect(ended).toHaveLength(6)
})

it('ends as soon as the pieces are not kept, and goes on with the next body', async () => {
  const decoder = createBodyDecoder()
  let bytes = 0
  const keep = (piece: Buffer): string | undefined => {
    bytes += piece.length
    return bytes > MIB ? 'too much' : undefined
  }
  for (let bombs = 0; bombs < 5; bombs++) {
    bytes = 0
    const outcome = await decoder.decode(BOMB, 'gzip', decoding('a', keep))
    expect(outcome).toEqual({ status: 'ended', reason: 'too much' })
    expect(bytes).toBeLessThan(2 * MIB)
  }
})

it('decodes nothing for a client that has disconnected', async () => {
  const outcome = await createBodyDecoder().decode(BOMB, 'gzip', { ...decoding('a'), isDisconnected: () => true })
  expect(outcome).toEqual({ status: 'disconnected' })
})

describe('zstd in many frames', () => {
  const FRAMES = [
    ['of no bytes', zstdCompressSync(Buffer.alloc(0))],
    ['of one byte', zstdCompressSync(Buffer.from('x'))],
    ['to be skipped', Buffer.from([0x50, 0x2a, 0x4d, 0x18, 0, 0, 0, 0])],
  ] as const
  const repeated = (frame: Buffer, count: number): Buffer => Buffer.alloc(frame.length * count, frame)

  it.each(FRAMES)('%s is refused after a few, however many there are', async (_, frame) => {
    const decoder = createBodyDecoder()
    expect(await decoder.decode(repeated(frame, 64), 'zstd', decoding('a'))).toEqual({ status: 'decoded' })
    let looks = 0
    const isDisconnected = (): boolean => ++looks > 1_000
    const outcome = await decoder.decode(repeated(frame, 100_000), 'zstd', { ...decoding('a'), isDisconnected })
    expect(outcome).toEqual({ status: 'too-many-frames' })
    expect(looks).toBeLessThan(200)
  })

  it('keeps no body of another API key waiting', async () => {
    const decoder = createBodyDecoder()
    const many = repeated(FRAMES[0][1], 60)
    const ended: string[] = []
    const decode = async (owner: string, body: Buffer) => {
      await decoder.decode(body, 'zstd', decoding(owner))
      ended.push(owner)
    }
    const all = ['a', 'a', 'a', 'a'].map((owner) => decode(owner, many))
    await Promise.all([...all, decode('b', zstdCompressSync('small'))])
    expect(ended[0]).toBe('b')
  })
})

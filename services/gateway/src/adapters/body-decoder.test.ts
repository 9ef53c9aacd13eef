import { gzipSync } from 'node:zlib'
import { expect, it } from 'vitest'
import type { DecodeOptions } from '../ports/body-decoder.ts'
import { createBodyDecoder } from './body-decoder.ts'

const MIB = 1024 * 1024
const BOMB = gzipSync(Buffer.alloc(32 * MIB))
const decoding = (owner: string, keep: DecodeOptions<string>['keep'] = () => undefined): DecodeOptions<string> => ({
  owner,
  isGone: () => false,
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

it('decodes two bodies at a time, and lets API keys take turns', async () => {
  const decoder = createBodyDecoder()
  const begun: string[] = []
  const ended: string[] = []
  let running = 0
  let mostRunning = 0
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
        return undefined
      }),
    )
    running--
    ended.push(owner)
  }
  await Promise.all(['a', 'a', 'a', 'a', 'a', 'b'].map(decode))
  expect(mostRunning).toBe(2)
  expect(begun.indexOf('b')).toBeLessThan(4)
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

it('decodes nothing for an application that has gone away', async () => {
  const outcome = await createBodyDecoder().decode(BOMB, 'gzip', { ...decoding('a'), isGone: () => true })
  expect(outcome).toEqual({ status: 'left' })
})

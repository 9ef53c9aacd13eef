import { isUpload } from './upload-body.ts'

/**
 * Reads an upload that is small enough to be held, so that it is whole before its permit is taken. Returns undefined for one that is
 * longer, or no upload at all; what was read of it is put back, to be streamed on. `left`: its sender went away.
 */
export function heldBody(body: unknown): Promise<Buffer | 'left' | undefined> | undefined {
  if (!isUpload(body)) return undefined
  if (body.destroyed) return Promise.resolve('left')
  if (Number(body.headers['content-length'] ?? 0) > HELD_BYTES) return undefined
  return new Promise((resolve) => {
    const pieces: Buffer[] = []
    let bytes = 0
    const end = (held: Buffer | 'left' | undefined): void => {
      body.off('data', onData).off('end', onEnd).off('close', onClose)
      resolve(held)
    }
    const onData = (piece: Buffer): void => {
      pieces.push(piece)
      bytes += piece.length
      if (bytes <= HELD_BYTES) return
      body.pause()
      end(undefined)
      body.unshift(Buffer.concat(pieces))
    }
    const onEnd = (): void => end(Buffer.concat(pieces))
    const onClose = (): void => end('left')
    body.on('data', onData).once('end', onEnd).once('close', onClose)
  })
}

const HELD_BYTES = 1024 * 1024

import type { IncomingMessage } from 'node:http'
import { type Readable, Transform } from 'node:stream'
import { SluiceError } from '@sluice/contracts'
import type { HeldBytes } from './held-bytes.ts'
import { PieceSize } from './receive-body.ts'

/**
 * Reads an upload that is small enough to be held, so that it is complete before its permit is acquired. Returns undefined for one that
 * is longer, or for which there is no room now; what was read of it is put back, to be streamed on. Returns `disconnected` if the client is.
 */
export function heldBody(
  body: IncomingMessage,
  room: HeldBytes,
): Promise<Buffer | 'disconnected' | undefined> | undefined {
  if (body.destroyed) return Promise.resolve('disconnected')
  if (Number(body.headers['content-length'] ?? 0) > HELD_BYTES) return undefined
  return new Promise((resolve) => {
    const pieces: Buffer[] = []
    let bytes = 0
    const end = (held: Buffer | 'disconnected' | undefined): void => {
      body.off('data', onData).off('end', onEnd).off('close', onClose)
      resolve(held)
    }
    const onData = (piece: Buffer): void => {
      pieces.push(piece)
      bytes += piece.length
      if (bytes <= HELD_BYTES && room.hold(piece.length + PIECE_BYTES) === 'held') return
      body.pause()
      end(undefined)
      body.unshift(Buffer.concat(pieces))
    }
    const onEnd = (): void => end(Buffer.concat(pieces))
    const onClose = (): void => end('disconnected')
    body.on('data', onData).once('end', onEnd).once('close', onClose)
  })
}

const HELD_BYTES = 1024 * 1024
/** The memory that a piece takes besides its bytes: a body may come byte by byte. */
const PIECE_BYTES = 256

/**
 * Returns a request's body as a stream to send on, with back-pressure. It breaks off with `payload_too_large` beyond `maxBytes`, and when the
 * client disconnects or is refused for sending it byte by byte. Destroying it leaves the client's connection open for the response.
 */
export function uploadBody(request: IncomingMessage, maxBytes: number): Readable {
  let receivedBytes = 0
  const pieceSize = new PieceSize()
  const upload = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      receivedBytes += chunk.length
      if (pieceSize.isTooSmall(chunk.length)) request.destroy()
      else if (receivedBytes > maxBytes)
        done(
          new SluiceError(
            'payload_too_large',
            `the upload has more than ${maxBytes} bytes, which is the most (MAX_UPLOAD_BYTES)`,
          ),
        )
      else done(null, chunk)
    },
  })
  // What breaks off while no request reads it shows to the next one that does.
  upload.on('error', () => undefined)
  request.once('close', () => {
    if (!request.complete) upload.destroy(new SluiceError('invalid_request', 'the client disconnected'))
  })
  // What still arrives after the provider has responded is read and dropped, so that the connection can serve again.
  upload.once('close', () => {
    request.unpipe(upload)
    request.resume()
  })
  return request.pipe(upload)
}

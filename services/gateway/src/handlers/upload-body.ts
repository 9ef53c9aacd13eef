import type { IncomingMessage } from 'node:http'
import { type Readable, Transform } from 'node:stream'
import { SluiceError } from '@sluice/contracts'
import { PieceSize } from '../domain/piece-size.ts'

/**
 * A request's body as a stream to send on, held back as the receiver asks. It breaks off with `payload_too_large` beyond
 * `maxBytes`, and when the caller goes away or is sent away for sending it byte by byte. Destroying it leaves the caller's connection open for the answer.
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
    if (!request.complete) upload.destroy(new SluiceError('invalid_request', 'the caller went away'))
  })
  // What still comes after the provider has answered is read and dropped, so that the connection can serve again.
  upload.once('close', () => {
    request.unpipe(upload)
    request.resume()
  })
  return request.pipe(upload)
}

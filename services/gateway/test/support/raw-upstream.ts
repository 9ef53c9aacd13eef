import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

export interface RawUpstream {
  readonly url: string
  /** Handles the requests from now on. */
  respond: (request: IncomingMessage, response: ServerResponse) => void
  stop(): Promise<void>
}

/** Starts an HTTP server that a test programs, for responses that no provider simulator would send. */
export async function startRawUpstream(): Promise<RawUpstream> {
  const server = createServer((request, response) => upstream.respond(request, response)).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const upstream: RawUpstream = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    respond: (_, response) => void response.end(),
    stop: async () => {
      server.close()
      server.closeAllConnections()
      await once(server, 'close')
    },
  }
  return upstream
}

/** Starts an endless stream, as fast as it is read; returns a function for the number of bytes written so far. */
export function writeForEver(response: ServerResponse, piece = Buffer.alloc(64 * 1024, 'x')): () => number {
  let writtenBytes = 0
  const write = (): void => {
    while (!response.destroyed) {
      writtenBytes += piece.length
      if (!response.write(piece)) break
    }
  }
  response.on('drain', write)
  write()
  return () => writtenBytes
}

/** Sends `bytes` as a response body in separate chunks of these sizes, alternating. */
export async function writePieces(response: ServerResponse, bytes: Buffer, sizes: readonly number[]): Promise<void> {
  for (let at = 0, turn = 0; at < bytes.length; turn++) {
    const size = sizes[turn % sizes.length] ?? bytes.length
    response.write(bytes.subarray(at, at + size))
    at += size
    await new Promise((resolve) => setImmediate(resolve))
  }
  response.end()
}

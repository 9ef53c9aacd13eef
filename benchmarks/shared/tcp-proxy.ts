import { connect, createServer, type Socket } from 'node:net'
import type { Transform } from 'node:stream'
import { freePort } from '@sluice/local-servers'

export interface TcpProxyOptions {
  /** Where it leads to, on loopback. */
  readonly targetPort: number
  /** How long each piece travels, in each direction, in milliseconds; half of a round trip. Default: 0. */
  readonly delayMs?: number
  /** Changes what the target sends, for each connection. */
  readonly changeReplies?: () => Transform
}

/** A way to a server on loopback that is longer than it is, or changes what passes. */
export interface TcpProxy {
  readonly port: number
  /** Ends every connection, and takes no more. */
  stop(): Promise<void>
}

export async function startTcpProxy({ targetPort, delayMs = 0, changeReplies }: TcpProxyOptions): Promise<TcpProxy> {
  const sockets = new Set<Socket>()
  const keep = (socket: Socket): Socket => {
    sockets.add(socket.setNoDelay(true))
    // A connection that breaks takes the other half with it; why it broke is its ends' business.
    return socket.on('error', () => undefined).once('close', () => sockets.delete(socket))
  }
  const server = createServer({ allowHalfOpen: true }, (client) => {
    const target = connect({ host: '127.0.0.1', port: targetPort, allowHalfOpen: true })
    // What ended in order has its end passed on behind what is still under way.
    keep(client).once('close', (isBroken) => isBroken && target.destroy())
    keep(target).once('close', (isBroken) => isBroken && client.destroy())
    forward(client, target, delayMs)
    forward(changeReplies === undefined ? target : target.pipe(changeReplies()), client, delayMs)
  })
  const port = await freePort()
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve))
  return {
    port,
    stop: async () => {
      const closed = new Promise((resolve) => server.close(resolve))
      for (const socket of sockets) socket.destroy()
      await closed
    },
  }
}

/** Sends on each piece so long after it came; pieces do not wait for one another. */
function forward(from: NodeJS.ReadableStream, to: Socket, delayMs: number): void {
  const later = (action: () => void): void => {
    if (delayMs === 0) action()
    else setTimeout(() => to.destroyed || action(), delayMs)
  }
  from.on('data', (piece: Buffer) => later(() => to.write(piece)))
  from.once('end', () => later(() => to.end()))
}

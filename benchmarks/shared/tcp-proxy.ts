import { connect, createServer, type Socket } from 'node:net'
import type { Transform } from 'node:stream'
import { freePort } from '@sluice/local-servers'

export interface TcpProxyOptions {
  /** The target's port on loopback. */
  readonly targetPort: number
  /** Delay in each direction, in milliseconds; half of a round trip. Default: 0. */
  readonly delayMs?: number
  /** Creates a stream for each connection that changes what the target sends. */
  readonly changeReplies?: () => Transform
}

/** A proxy to a server on loopback that adds delay or changes data. */
export interface TcpProxy {
  readonly port: number
  /** Closes every connection and accepts no more. */
  stop(): Promise<void>
}

export async function startTcpProxy({ targetPort, delayMs = 0, changeReplies }: TcpProxyOptions): Promise<TcpProxy> {
  const sockets = new Set<Socket>()
  const keep = (socket: Socket): Socket => {
    sockets.add(socket.setNoDelay(true))
    // If one half breaks, the other is closed too; the endpoints see the error.
    return socket.on('error', () => undefined).once('close', () => sockets.delete(socket))
  }
  const server = createServer({ allowHalfOpen: true }, (client) => {
    const target = connect({ host: '127.0.0.1', port: targetPort, allowHalfOpen: true })
    // An orderly end is passed on after the data that is still in transit.
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

/** Forwards each piece after the delay; pieces do not wait for one another. */
function forward(from: NodeJS.ReadableStream, to: Socket, delayMs: number): void {
  const later = (action: () => void): void => {
    if (delayMs === 0) action()
    else setTimeout(() => to.destroyed || action(), delayMs)
  }
  from.on('data', (piece: Buffer) => later(() => to.write(piece)))
  from.once('end', () => later(() => to.end()))
}

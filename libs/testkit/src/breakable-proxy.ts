import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net'

/** A connection to a server that can be cut, as if the server had disappeared. */
export interface BreakableProxy {
  /** The server's URL, by way of the proxy. */
  readonly url: string
  /** Ends every connection and accepts no further one; does nothing when it is cut already. */
  cut(): Promise<void>
  /** Accepts connections again, on the same port. */
  mend(): Promise<void>
  /** Goes on taking connections and passes nothing on, as if the server's machine had stopped. */
  freeze(): void
  thaw(): void
}

/** Listens on `listenPort` of loopback; 0 takes a free one. */
export async function breakableProxy(targetUrl: string, listenPort = 0): Promise<BreakableProxy> {
  const target = new URL(targetUrl)
  const sockets = new Set<Socket>()
  const pairs = new Set<readonly [Socket, Socket]>()
  let isFrozen = false
  const track = (socket: Socket): Socket => {
    sockets.add(socket)
    socket.on('close', () => sockets.delete(socket))
    socket.on('error', () => socket.destroy())
    return socket
  }
  const listen = async (port: number): Promise<Server> => {
    const server = createServer((client) => {
      const upstream = track(connect(Number(target.port), target.hostname))
      const pair = [track(client), upstream] as const
      pairs.add(pair)
      if (!isFrozen) join(pair)
      client.on('close', () => {
        pairs.delete(pair)
        upstream.destroy()
      })
      upstream.on('close', () => client.destroy())
    })
    server.listen(port, '127.0.0.1')
    await once(server, 'listening')
    return server
  }
  let server = await listen(listenPort)
  const { port } = server.address() as AddressInfo
  const url = new URL(targetUrl)
  url.host = `127.0.0.1:${port}`
  return {
    url: url.href,
    cut: async () => {
      if (!server.listening) return
      server.close()
      for (const socket of sockets) socket.destroy()
      await once(server, 'close')
    },
    mend: async () => {
      server = await listen(port)
    },
    freeze: () => {
      isFrozen = true
      for (const [client, upstream] of pairs) {
        client.unpipe(upstream)
        upstream.unpipe(client)
      }
    },
    thaw: () => {
      isFrozen = false
      for (const pair of pairs) join(pair)
    },
  }
}

function join([client, upstream]: readonly [Socket, Socket]): void {
  client.pipe(upstream).pipe(client)
}

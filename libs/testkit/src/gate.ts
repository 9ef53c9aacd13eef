import { createServer, connect as dial, type Socket } from 'node:net'

/** A way to a database that tests can shut. */
export interface Gate {
  /** The database's URL by way of the gate. */
  readonly url: string
  /** Lets new connections through. */
  open(): Promise<void>
  /** Breaks every connection, and refuses new ones. */
  shut(): Promise<void>
}

/** A gate in front of the database at `targetUrl`, shut at first. */
export async function gate(targetUrl: string, port: number): Promise<Gate> {
  const target = new URL(targetUrl)
  const sockets = new Set<Socket>()
  const track = (socket: Socket) => {
    sockets.add(socket)
    socket.on('close', () => sockets.delete(socket)).on('error', () => socket.destroy())
  }
  const server = createServer((near) => {
    const far = dial(Number(target.port), target.hostname)
    for (const socket of [near, far]) track(socket)
    near.pipe(far).on('close', () => near.destroy())
    far.pipe(near).on('close', () => far.destroy())
  })
  const url = new URL(targetUrl)
  url.host = `127.0.0.1:${port}`
  return {
    url: url.href,
    open: () =>
      new Promise((resolve, reject) => {
        server.once('error', reject).listen(port, '127.0.0.1', resolve)
      }),
    shut: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        for (const socket of sockets) socket.destroy()
      }),
  }
}

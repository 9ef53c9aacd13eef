import { rm } from 'node:fs/promises'
import { type NatsServer, startNatsServer } from '@sluice/local'
import { natsServerPath, temporaryFolder } from './run-context.ts'

export interface TestNats {
  /** Stays the same over restarts. */
  readonly url: string
  /** Starts it again, on the same port and with what it stored; stops it first if it runs. */
  restart(): Promise<void>
  /** Ends it as a crash would. */
  kill(): Promise<void>
  /** Ends it for good and removes what it stored. */
  stop(): Promise<void>
}

/** A real nats-server with JetStream on disk, for the caller alone. `extraConfig` is in nats-server's own format. */
export async function testNats(options: { readonly extraConfig?: string } = {}): Promise<TestNats> {
  const dataDir = await temporaryFolder()
  const start = (port: number) =>
    startNatsServer({ serverPath: natsServerPath(), dataDir, port, log: () => undefined, ...options })
  let server: NatsServer = await start(0)
  return {
    url: server.url,
    restart: async () => {
      await server.stop()
      server = await start(server.port)
    },
    kill: () => server.kill('SIGKILL'),
    stop: async () => {
      await server.stop()
      await rm(dataDir, { recursive: true, force: true })
    },
  }
}

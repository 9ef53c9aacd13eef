import { constants, setPriority } from 'node:os'
import { parentPort, type Transferable } from 'node:worker_threads'
import { READINGS, type ReadingName } from './readings.ts'

/** A reading to do: its input, in which a body is a Uint8Array. */
export interface ThreadTask {
  readonly name: ReadingName
  readonly input: { readonly body: Uint8Array }
}

/** What it came to, or the text of what went wrong. */
export type ThreadResult = { readonly value: unknown } | { readonly error: string }

// On Linux, that of this thread alone: where there are few processors, the threads that answer requests come first.
if (process.platform === 'linux') setPriority(constants.priority.PRIORITY_BELOW_NORMAL)

/** Runs one reading after the other for the thread that sends them. */
parentPort?.on('message', async ({ name, input }: ThreadTask) => {
  const read = READINGS[name] as (input: unknown) => unknown
  const { buffer, byteOffset, byteLength } = input.body
  try {
    const value = await read({ ...input, body: Buffer.from(buffer, byteOffset, byteLength) })
    reply({ value }, ownBuffer(value))
  } catch (error) {
    reply({ error: error instanceof Error ? (error.stack ?? error.message) : String(error) }, [])
  }
})

function reply(result: ThreadResult, transferred: Transferable[]): void {
  parentPort?.postMessage(result, transferred)
}

/** The memory of the body that is given back: handed over, not copied, if it has all of it. */
function ownBuffer(value: unknown): Transferable[] {
  const body = typeof value === 'object' && value !== null && 'body' in value ? value.body : undefined
  if (!(body instanceof Uint8Array) || body.byteLength !== body.buffer.byteLength) return []
  return body.buffer instanceof ArrayBuffer ? [body.buffer] : []
}

import { constants, setPriority } from 'node:os'
import { parentPort, type Transferable } from 'node:worker_threads'
import { READINGS, type ReadingName } from './body-readings.ts'

/** The thread of the body reader: runs the readings that it receives one after the other. */

/** A reading with its input, in which the body is a Uint8Array. */
export interface ThreadTask {
  readonly name: ReadingName
  readonly input: { readonly body: Uint8Array }
}

/** The result of a reading, or the text of its error. */
export type ThreadResult = { readonly value: unknown } | { readonly error: string }

// On Linux, this applies to this thread only: with few processors, the threads that serve requests come first.
if (process.platform === 'linux') setPriority(constants.priority.PRIORITY_BELOW_NORMAL)

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

/** Returns the memory of a returned body, to be transferred instead of copied, if the body has all of it. */
function ownBuffer(value: unknown): Transferable[] {
  const body = typeof value === 'object' && value !== null && 'body' in value ? value.body : undefined
  if (!(body instanceof Uint8Array) || body.byteLength !== body.buffer.byteLength) return []
  return body.buffer instanceof ArrayBuffer ? [body.buffer] : []
}

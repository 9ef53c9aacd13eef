import { createHash } from 'node:crypto'

/** Stands for what a provider signs a thought with, to know its own when it comes back: base64, the same for the same thought. */
export function signatureOf(thought: string): string {
  return createHash('sha256').update(`simulated thought:${thought}`).digest('base64')
}

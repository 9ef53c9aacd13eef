import type { RewrapFailure, RewrapProgress } from './rewrap-data-keys.ts'

/** `412 of 500 data keys wrapped anew, 3 failed` */
export function progressLine({ rewrapped, failures, total }: RewrapProgress): string {
  // More than the total where the service added some meanwhile.
  const all = Math.max(total, rewrapped + failures.length)
  return `${rewrapped} of ${all} data keys wrapped anew, ${failures.length} failed`
}

/** `connection 0199… version 3: the stored secret cannot be opened: …` */
export function failureLine({ owner, reason }: RewrapFailure): string {
  const what = owner === 'sealing-key' ? 'the sealing key' : `connection ${owner.connectionId} version ${owner.version}`
  return `${what}: ${reason.message}`
}

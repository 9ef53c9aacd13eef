/** Whether a request of this method makes nothing run: it reads, or takes away. */
export function isRead(method: string): boolean {
  return READS.has(method)
}

const READS: ReadonlySet<string> = new Set(['DELETE', 'GET', 'HEAD', 'OPTIONS'])

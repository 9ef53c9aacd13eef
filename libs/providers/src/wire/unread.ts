import type { ResponseReader } from '../provider-adapter.ts'

/** For answers that tell no usage. */
export const UNREAD: ResponseReader = {
  push: (chunk) => chunk,
  end: () => Buffer.alloc(0),
  usage: undefined,
  outputTokensSeen: 0,
}

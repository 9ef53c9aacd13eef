import type { AnswerReader } from '../provider-adapter.ts'

/** For answers that tell no usage. */
export const UNREAD: AnswerReader = {
  push: (chunk) => chunk,
  end: () => Buffer.alloc(0),
  usage: undefined,
  outputTokensSeen: 0,
}

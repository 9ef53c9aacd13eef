import type { TranslatedError } from '../unified-api.ts'

/** What to say of a stream that broke off without having said that it is at its end. */
export const CUT_SHORT: TranslatedError = {
  message: 'The provider broke the answer off.',
  code: 'upstream_unreachable',
}

/** What to say of an answer that has an image, a sound and the like. */
export const NO_PLACE: TranslatedError = {
  message: 'The answer has a part, such as an image, that a chat completion has no place for.',
  code: 'unsupported_operation',
}

/** @param provider its name, as people read it */
export function unreadable(provider: string): TranslatedError {
  return { message: `${provider} sent what cannot be read.`, code: 'upstream_unreachable' }
}

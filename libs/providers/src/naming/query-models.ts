import { foldedName } from './member-name.ts'
import { UNLISTED_MEMBERS } from './named-models.ts'

/** The models that a query names, as `?model=` or `?deployment=` does with some servers. Never throws. */
export function queryModels(query: string): string[] {
  if (query === '') return []
  // Older servers part parameters by semicolons, too.
  const parameters = [...new URLSearchParams(query.replaceAll(';', '&'))]
  return parameters.flatMap(([name, value]) => (UNLISTED_MEMBERS.bits.has(foldedName(name)) ? [value] : []))
}

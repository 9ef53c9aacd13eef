import { fromSubjectToken } from './subject-token.ts'

/** A definition's subject with the `fixed` identifiers first and `*` in every other one's place: what to subscribe to. */
export function subjectPattern<Identifiers extends readonly string[]>(
  subject: (...identifiers: Identifiers) => string,
  fixed: readonly string[] = [],
): string {
  const identifiers = Array.from({ length: subject.length }, (_, index) => fixed[index] ?? PLACEHOLDER)
  return subject(...(identifiers as readonly string[] as Identifiers)).replaceAll(PLACEHOLDER, '*')
}

/** The identifiers in `subject`, which matched `pattern`: one for each `*`, in their order. */
export function identifiersIn(subject: string, pattern: string): string[] {
  const tokens = subject.split('.')
  const identifiers: string[] = []
  for (const [index, part] of pattern.split('.').entries()) {
    const token = tokens[index]
    if (part === '*' && token !== undefined) identifiers.push(fromSubjectToken(token))
  }
  return identifiers
}

const PLACEHOLDER = 'ANY_IDENTIFIER'

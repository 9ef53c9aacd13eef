import { isRecord } from './is-record.ts'
import { findFirstMember, findLastMember, isCrowded, type MemberSpan } from './json-member.ts'
import type { Mentions } from './mentions.ts'
import { parseJson } from './parse-json.ts'

/** A JSON document, or what is left of a long one. */
export interface JsonEnds {
  /** All of it, or its last part. */
  readonly tail: Buffer
  /** The tail in Latin-1, in which ASCII is as it is. */
  readonly text: string
  /** What the tail mentions. */
  readonly mentions: Mentions
  /** The first part, where `tail` is not all of it. */
  readonly head?: Buffer
}

/**
 * Looks for a member `name` whose object is one of `depths` deep (1: the document itself, 3: an object in a list in it), and has
 * `read` make usage of its value; the first depth at which it does counts. Returns undefined where there is none, or no JSON.
 */
export function findUsage<Usage>(
  { tail, text, head }: JsonEnds,
  name: string,
  depths: readonly number[],
  read: (value: unknown) => Usage | undefined,
): Usage | undefined {
  for (const depth of depths) {
    const usage = readMember(text, findLastMember(tail, name, depth), read)
    if (usage !== undefined) return usage
  }
  if (head !== undefined) return readMember(head.toString('latin1'), findFirstMember(head, name), read)
  // Too many others are of the same name, as in tools' schemas that a response repeats.
  if (!isCrowded(tail, name)) return undefined
  const document = parseJson(tail)
  for (const depth of depths) {
    for (const value of membersAt(document, name, depth)) {
      const usage = read(value)
      if (usage !== undefined) return usage
    }
  }
  return undefined
}

/** Reads counts, which are ASCII: what a text beside them says does not matter. */
function readMember<Usage>(
  text: string,
  member: MemberSpan | undefined,
  read: (value: unknown) => Usage | undefined,
): Usage | undefined {
  if (member === undefined) return undefined
  try {
    return read(JSON.parse(text.slice(member.valueStart, member.end)))
  } catch {
    // What an upstream sends need not be JSON: then its usage is unknown.
    return undefined
  }
}

function membersAt(value: unknown, name: string, depth: number): readonly unknown[] {
  if (depth === 1) return isRecord(value) ? [value[name]] : []
  const inner: readonly unknown[] = Array.isArray(value) ? value : isRecord(value) ? Object.values(value) : []
  return inner.flatMap((item) => membersAt(item, name, depth - 1))
}

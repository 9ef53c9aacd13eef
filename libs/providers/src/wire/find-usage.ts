import type { TokenUsage } from '@sluice/contracts'
import { findLastMember, memberValue } from './json-member.ts'

/**
 * Looks in a JSON document, or in its tail, for the last member `name` that is `depth` objects or arrays deep, and has `read`
 * make usage of it. Undefined where there is none, or no JSON.
 */
export function findUsage(
  json: Buffer,
  name: string,
  depth: number,
  read: (value: unknown) => TokenUsage | undefined,
): TokenUsage | undefined {
  const member = findLastMember(json, name, depth)
  if (member === undefined) return undefined
  try {
    return read(memberValue(json, member))
  } catch {
    // What an upstream sends need not be JSON: then its usage is unknown.
    return undefined
  }
}

import { endOfValue, visitMembers } from '../wire/json-members.ts'

/** The JSON text of a schema without local references, or why they cannot be replaced. */
type InlinedSchema =
  | { readonly status: 'inlined'; readonly text: string }
  | { readonly status: 'failed'; readonly message: string }

/**
 * Replaces a JSON schema's references within itself (`#/$defs/Place`, `#`) by their definitions, and keeps everything
 * else as written, including references to other documents. Siblings of a reference hold together with its definition:
 * an annotation such as `description` replaces the definition's; where both have the same constraint, the definition
 * moves into an `allOf`. Fails where a schema contains itself, where a reference has no target, and where the result
 * becomes too large.
 * @param text an object's compact, well-formed JSON
 * @see https://json-schema.org/draft/2020-12/json-schema-core#section-8.2.3
 */
export function inlineReferences(text: string): InlinedSchema {
  try {
    return { status: 'inlined', text: new Inliner(Buffer.from(text)).schema(0, []) }
  } catch (error) {
    if (error instanceof UnresolvedReference) return { status: 'failed', message: error.message }
    throw error
  }
}

/**
 * Returns the members of a JSON object in order; the last of two with one name.
 * @param json compact and well-formed
 */
export function membersOf(json: Buffer, start = 0): Map<string, JsonMember> {
  const members = new Map<string, JsonMember>()
  visitMembers(json, start, (keyStart, valueStart) => {
    const end = endOfValue(json, valueStart)
    const key = json.toString('utf8', keyStart, valueStart - 1)
    members.set(String(JSON.parse(key)), { key, start: valueStart, end })
    return end
  })
  return members
}

interface JsonMember {
  /** As written, with its quotes. */
  readonly key: string
  /** The value's first byte, and the byte after its last. */
  readonly start: number
  readonly end: number
}

export function memberText(json: Buffer, { start, end }: JsonMember): string {
  return json.toString('utf8', start, end)
}

class UnresolvedReference extends Error {}

class Inliner {
  readonly #json: Buffer
  /** Inlined definitions by reference. */
  readonly #definitions = new Map<string, string>()
  /** The places where the members or items of each visited value begin. */
  readonly #children = new Map<number, ReadonlyMap<string, number>>()
  #inlinedChars = 0

  constructor(json: Buffer) {
    this.#json = json
  }

  /** Returns the schema at `start`. @param open the references being replaced around it, outermost first */
  schema(start: number, open: readonly string[], depth = 0): string {
    if (depth > MAX_DEPTH) throw new UnresolvedReference('is nested too deeply')
    const json = this.#json
    if (json[start] === OPEN_BRACKET) {
      const items: string[] = []
      visitMembers(json, start, (_, itemStart) => {
        items.push(this.schema(itemStart, open, depth + 1))
        return endOfValue(json, itemStart)
      })
      return `[${items.join(',')}]`
    }
    if (json[start] !== OPEN_BRACE) return json.toString('utf8', start, endOfValue(json, start))
    const members = membersOf(json, start)
    const reference = localReference(json, members)
    if (reference === undefined) {
      return written([...members].map(([name, member]) => this.#member(name, member, open, depth)))
    }
    members.delete('$ref')
    const definition = this.#definition(reference, open, depth)
    const siblings = [...members].filter(([name]) => !DEFINITIONS.has(name))
    return merged(
      definition,
      new Map(siblings.map(([name, member]) => [name, this.#member(name, member, open, depth)])),
    )
  }

  #member(name: string, member: JsonMember, open: readonly string[], depth: number): string {
    const { key, start } = member
    if (DATA.has(name) || DEFINITIONS.has(name)) return `${key}:${memberText(this.#json, member)}`
    if (!MAPS.has(name) || this.#json[start] !== OPEN_BRACE) return `${key}:${this.schema(start, open, depth + 1)}`
    const entries = [...membersOf(this.#json, start).values()]
    return `${key}:${written(entries.map((entry) => `${entry.key}:${this.schema(entry.start, open, depth + 1)}`))}`
  }

  #definition(reference: string, open: readonly string[], depth: number): string {
    if (open.includes(reference)) {
      throw new UnresolvedReference(`refers to itself: "${shown(reference)}" contains itself`)
    }
    const definition =
      this.#definitions.get(reference) ?? this.schema(this.#find(reference), [...open, reference], depth + 1)
    this.#definitions.set(reference, definition)
    this.#inlinedChars += definition.length + PLACE_CHARS
    if (this.#inlinedChars > MAX_INLINED_CHARS) {
      throw new UnresolvedReference('becomes too large when its references are replaced')
    }
    return definition
  }

  /** Follows a JSON pointer (RFC 6901) in the fragment of a URL. Returns where the schema begins. */
  #find(reference: string): number {
    let at = 0
    for (const step of stepsOf(reference)) {
      const found = this.#childrenOf(at).get(step)
      if (found === undefined) throw nothingAt(reference)
      at = found
    }
    return at
  }

  /** Returns where the members of an object begin, by name, or the items of an array, by number. */
  #childrenOf(start: number): ReadonlyMap<string, number> {
    const known = this.#children.get(start)
    if (known !== undefined) return known
    const json = this.#json
    const children = new Map<string, number>()
    if (json[start] === OPEN_BRACE)
      for (const [name, member] of membersOf(json, start)) children.set(name, member.start)
    if (json[start] === OPEN_BRACKET) {
      visitMembers(json, start, (_, itemStart, index) => {
        children.set(String(index), itemStart)
        return endOfValue(json, itemStart)
      })
    }
    this.#children.set(start, children)
    return children
  }
}

function localReference(json: Buffer, members: ReadonlyMap<string, JsonMember>): string | undefined {
  const member = members.get('$ref')
  if (member === undefined || json[member.start] !== QUOTE) return undefined
  const reference = String(JSON.parse(memberText(json, member)))
  return reference.startsWith('#') ? reference : undefined
}

function stepsOf(reference: string): string[] {
  if (reference !== '#' && !reference.startsWith('#/')) throw nothingAt(reference)
  const [, ...steps] = decoded(reference.slice(1)).split('/')
  return steps.map((step) => step.replaceAll('~1', '/').replaceAll('~0', '~'))
}

function nothingAt(reference: string): UnresolvedReference {
  return new UnresolvedReference(`refers to "${shown(reference)}", which does not exist`)
}

function decoded(fragment: string): string {
  try {
    return decodeURIComponent(fragment)
  } catch {
    return fragment
  }
}

/** Merges a definition with the siblings of its reference. @param siblings written members by name */
function merged(definition: string, siblings: ReadonlyMap<string, string>): string {
  if (siblings.size === 0) return definition
  // A boolean is a schema, too.
  if (!definition.startsWith('{')) return written([...siblings.values(), `"allOf":[${definition}]`])
  const json = Buffer.from(definition)
  const own = membersOf(json)
  const collides = [...siblings.keys()].some((name) => own.has(name) && !ANNOTATIONS.has(name))
  if (collides && !siblings.has('allOf')) return written([...siblings.values(), `"allOf":[${definition}]`])
  if (collides) throw new UnresolvedReference('has an "allOf" beside a reference, which cannot be merged')
  const kept = [...own]
    .filter(([name]) => !siblings.has(name))
    .map(([, member]) => `${member.key}:${memberText(json, member)}`)
  return written([...siblings.values(), ...kept])
}

function written(members: readonly string[]): string {
  return `{${members.join(',')}}`
}

/** Callers choose the names: show only the beginning of a long one. */
function shown(reference: string): string {
  return reference.length > MAX_SHOWN_CHARS ? `${reference.slice(0, MAX_SHOWN_CHARS)}…` : reference
}

/** Keywords whose values are data, even where they look like schemas. */
const DATA: ReadonlySet<string> = new Set(['const', 'enum', 'default', 'examples', 'example'])
/** Unused once all references are replaced. */
const DEFINITIONS: ReadonlySet<string> = new Set(['$defs', 'definitions'])
/** Keywords whose values are schemas by freely chosen names. */
const MAPS: ReadonlySet<string> = new Set(['properties', 'patternProperties', 'dependentSchemas'])
/** Keywords that do not affect which values are valid. */
const ANNOTATIONS: ReadonlySet<string> = new Set([
  'title',
  'description',
  'default',
  'examples',
  'example',
  'deprecated',
  'readOnly',
  'writeOnly',
  '$comment',
])

const MAX_DEPTH = 100
/** Definitions that use one another twice grow exponentially. */
const MAX_INLINED_CHARS = 500_000
/** Minimum charge for each replaced reference: small ones take time, too. */
const PLACE_CHARS = 50
const MAX_SHOWN_CHARS = 100
const QUOTE = 0x22
const OPEN_BRACE = 0x7b
const OPEN_BRACKET = 0x5b

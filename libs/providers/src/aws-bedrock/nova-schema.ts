import { refuse } from '../unified/refusal.ts'
import type { Refusal } from '../unified-api.ts'
import { writtenText } from '../wire/json-source.ts'
import { OpaqueJson } from '../wire/opaque-json.ts'
import type { FoundationModel } from './models.ts'
import { inlineReferences, membersOf, memberText } from './schema-references.ts'

/** Returns whether a model supports only part of JSON schema in tools: all Amazon Nova models. */
export function isNova(model: FoundationModel | undefined): boolean {
  return model?.maker === 'amazon' && model.name.startsWith('nova-')
}

/**
 * Returns a tool's schema in the form that Nova accepts: at the top only `type`, `properties` and `required`; AWS
 * refuses every other member there ("extraneous key […] is not permitted"). Annotations are dropped, references are
 * replaced by their definitions, and constraints that would be lost are refused. Everything else is passed on as
 * written.
 * @param path the schema's, for the refusal
 * @see https://docs.aws.amazon.com/nova/latest/userguide/tool-use-definition.html
 */
export function novaSchema(schema: Readonly<Record<string, unknown>>, path: string): OpaqueJson | Refusal {
  const text = writtenText(schema)
  if (text === undefined) return refuse(path, 'The schema is nested too deeply.')
  const inlined = mayHaveReference(text) ? inlineReferences(text) : { status: 'inlined' as const, text }
  if (inlined.status === 'failed') {
    return refuse(
      path,
      `Amazon Nova accepts no "$defs" in a tool's schema, and they cannot be inlined here: the schema ${inlined.message}.`,
    )
  }
  const json = Buffer.from(inlined.text)
  const members = membersOf(json)
  const kept: string[] = []
  for (const [name, member] of members) {
    const value = memberText(json, member)
    if (name === 'type' && value !== OBJECT) return refuse(`${path}.type`, ONLY_OBJECTS)
    if (ACCEPTED.has(name)) kept.push(`${member.key}:${value}`)
    else if (!isIgnorable(name, value)) return refuse(`${path}.${name.slice(0, MAX_SHOWN_CHARS)}`, UNSUPPORTED_MEMBER)
  }
  const missing = DEFAULTS.filter(([name]) => !members.has(name)).map(([, member]) => member)
  return new OpaqueJson(`{${[...missing, ...kept].join(',')}}`)
}

/** The name may contain escapes. */
function mayHaveReference(text: string): boolean {
  return REFERENCE.test(text)
}

/** @param value JSON text */
function isIgnorable(name: string, value: string): boolean {
  // Whether other properties are allowed matters only to code that validates the arguments.
  if (OPEN_OR_CLOSED.has(name)) return value === 'true' || value === 'false' || value === '{}'
  return IGNORED.has(name) || name.startsWith('x-')
}

const REFERENCE = /"(?:\$|\\u0024)(?:r|\\u0072)(?:e|\\u0065)(?:f|\\u0066)"/
const OBJECT = '"object"'
const ACCEPTED: ReadonlySet<string> = new Set(['type', 'properties', 'required'])
const DEFAULTS: readonly (readonly [string, string])[] = [
  ['type', `"type":${OBJECT}`],
  ['properties', '"properties":{}'],
]
const OPEN_OR_CLOSED: ReadonlySet<string> = new Set(['additionalProperties', 'unevaluatedProperties'])
const IGNORED: ReadonlySet<string> = new Set([
  '$schema',
  '$id',
  'id',
  '$comment',
  '$vocabulary',
  '$defs',
  'definitions',
  'title',
  'description',
  'default',
  'example',
  'examples',
  'deprecated',
  'readOnly',
  'writeOnly',
  'strict',
])

const ONLY_OBJECTS = 'Amazon Nova accepts only the type "object" for a tool\'s schema.'
const UNSUPPORTED_MEMBER =
  'Amazon Nova accepts only "type", "properties" and "required" at the top of a tool\'s schema: move this constraint into a property.'
/** Callers choose the names: show only the beginning of a long one. */
const MAX_SHOWN_CHARS = 40

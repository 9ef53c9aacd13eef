import { refuse } from '../unified/refusal.ts'
import type { Refusal } from '../unified-api.ts'
import { writtenText } from '../wire/json-source.ts'
import { OpaqueJson } from '../wire/opaque-json.ts'
import type { FoundationModel } from './models.ts'
import { inlineReferences, membersOf, memberText } from './schema-references.ts'

/** Whether a model is one of those that take the schema of a tool only in part: all of Amazon's Nova. */
export function isNova(model: FoundationModel | undefined): boolean {
  return model?.maker === 'amazon' && model.name.startsWith('nova-')
}

/**
 * Returns a tool's schema as Nova takes it: at the top only `type`, `properties` and `required`; AWS refuses every other member there
 * ("extraneous key […] is not permitted"). What says nothing of the arguments is left out, references are replaced by what they refer to,
 * and what would be lost otherwise is refused. All that is kept goes on as it was written.
 * @param path the schema's, for the refusal
 * @see https://docs.aws.amazon.com/nova/latest/userguide/tool-use-definition.html
 */
export function novaSchema(schema: Readonly<Record<string, unknown>>, path: string): OpaqueJson | Refusal {
  const text = writtenText(schema)
  if (text === undefined) return refuse(path, 'The schema is nested too deeply.')
  const inlined = mayHaveReference(text) ? inlineReferences(text) : { status: 'inlined' as const, text }
  if (inlined.status === 'failed') {
    return refuse(path, `AWS Bedrock's Nova takes no "$defs" in the schema of a tool, and this one ${inlined.message}.`)
  }
  const json = Buffer.from(inlined.text)
  const members = membersOf(json)
  const kept: string[] = []
  for (const [name, member] of members) {
    const value = memberText(json, member)
    if (name === 'type' && value !== OBJECT) return refuse(`${path}.type`, ONLY_OBJECTS)
    if (TAKEN.has(name)) kept.push(`${member.key}:${value}`)
    else if (!saysNothing(name, value)) return refuse(`${path}.${name.slice(0, MAX_SHOWN_CHARS)}`, NOT_TAKEN)
  }
  const missing = DEFAULTS.filter(([name]) => !members.has(name)).map(([, member]) => member)
  return new OpaqueJson(`{${[...missing, ...kept].join(',')}}`)
}

/** Escapes may spell it. */
function mayHaveReference(text: string): boolean {
  return REFERENCE.test(text)
}

/** @param value JSON text */
function saysNothing(name: string, value: string): boolean {
  // Whether there may be others than the properties is a rule for whoever checks the arguments.
  if (OPEN_OR_CLOSED.has(name)) return value === 'true' || value === 'false' || value === '{}'
  return WITHOUT_MEANING.has(name) || name.startsWith('x-')
}

const REFERENCE = /"(?:\$|\\u0024)(?:r|\\u0072)(?:e|\\u0065)(?:f|\\u0066)"/
const OBJECT = '"object"'
const TAKEN: ReadonlySet<string> = new Set(['type', 'properties', 'required'])
const DEFAULTS: readonly (readonly [string, string])[] = [
  ['type', `"type":${OBJECT}`],
  ['properties', '"properties":{}'],
]
const OPEN_OR_CLOSED: ReadonlySet<string> = new Set(['additionalProperties', 'unevaluatedProperties'])
const WITHOUT_MEANING: ReadonlySet<string> = new Set([
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

const ONLY_OBJECTS = 'AWS Bedrock\'s Nova takes only the type "object" for a tool.'
const NOT_TAKEN =
  'AWS Bedrock\'s Nova takes only "type", "properties" and "required" at the top of a tool\'s schema: put what this says into a property.'
/** Callers choose the names. */
const MAX_SHOWN_CHARS = 40

import { documentErrors } from '@sluice/contracts'
import type { Static, TObject, TSchema } from 'typebox'
import { Compile } from 'typebox/compile'

/** One or more settings are missing or wrong; the message names each of them on a line of its own. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError'
}

/**
 * Reads the settings that `schema` names from environment variables: coerced from text, with the schema's defaults.
 * An empty variable counts as unset.
 * @throws ConfigError naming every setting that is missing or wrong; never showing a value, which may be a secret
 */
export function readConfig<S extends TObject>(schema: S, env: Readonly<Record<string, string | undefined>>): Static<S> {
  const given: Record<string, unknown> = {}
  for (const [name, property] of Object.entries<TSchema>(schema.properties)) {
    const text = env[name]
    if (text !== undefined && text !== '') given[name] = coerce(property, text)
  }
  const validator = Compile(schema)
  const config = validator.Default(given)
  if (validator.Check(config)) return config as Static<S>
  const lines = documentErrors(schema, config).map(({ field, message }) => `${field} ${message}`)
  throw new ConfigError(lines.join('\n'))
}

/** Text of a number or a boolean as such; anything else as it is, for the schema to judge. */
function coerce(property: TSchema, text: string): unknown {
  const type = (property as { type?: unknown }).type
  if ((type === 'integer' || type === 'number') && text.trim() !== '' && !Number.isNaN(Number(text)))
    return Number(text)
  if (type === 'boolean' && (text === 'true' || text === 'false')) return text === 'true'
  return text
}

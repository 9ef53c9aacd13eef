import type { ExtraEnvironment } from './process-specs.ts'

/**
 * What the services that reach AWS get of an environment: their identity there, in all ways that AWS' SDK knows, and where AWS is.
 * The others are not told the identity.
 */
export function awsEnvironment(env: Readonly<Record<string, string | undefined>>): ExtraEnvironment {
  const reachesAws = chosen(env, (name) => name.startsWith('AWS_') || name === 'STS_ENDPOINT')
  return {
    gateway: reachesAws,
    connections: { ...reachesAws, ...chosen(env, (name) => KEYS.has(name) || name.startsWith('KMS_')) },
    discovery: { ...reachesAws, ...chosen(env, (name) => name === 'SERVICE_QUOTAS_ENDPOINT') },
  }
}

/** What else the connections service takes for AWS. */
const KEYS: ReadonlySet<string> = new Set(['KEY_SERVICE', 'CFN_TEMPLATE_URL'])

function chosen(
  env: Readonly<Record<string, string | undefined>>,
  isChosen: (name: string) => boolean,
): Record<string, string> {
  const entries = Object.entries(env).filter((entry): entry is [string, string] => entry[1] !== undefined)
  return Object.fromEntries(entries.filter(([name]) => isChosen(name)))
}

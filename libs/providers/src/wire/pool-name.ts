/** Names a pool of requests by what sets them apart from the model's other requests; '' where nothing does. */
export function poolName(...parts: readonly (string | false)[]): string {
  return parts.filter((part) => part !== false && part !== '').join('+')
}

/** The pool of a request by the length of its prompt, too. @param pool what it is without that */
export function promptPool(
  pool: string,
  promptTokens: number,
  { longPromptTokens = Number.POSITIVE_INFINITY }: { readonly longPromptTokens?: number },
): string {
  return poolName(pool, promptTokens > longPromptTokens && 'long')
}

/** The pool of a tier, of those that have one; '' for any other value: applications choose it, and would make any number of pools. */
export function tierPool(tiers: Readonly<Record<string, string>>, tier: unknown): string {
  return typeof tier === 'string' && Object.hasOwn(tiers, tier) ? (tiers[tier] ?? '') : ''
}

/** The pool of requests that run no model: those to one kind of resource, as `files` or `batches`, whose name the path begins with. */
export function resourcePool(path: string): string {
  const [first = ''] = path.split(/[/?]/).filter((part) => part !== '' && !ROOT.test(part))
  return RESOURCE.test(first) ? first : ''
}

/** What comes before a resource's name. */
const ROOT = /^(?:v\d[a-z\d]*|openai|upload|download)$/
const RESOURCE = /^[A-Za-z_]{1,32}$/

/**
 * Returns the generation that a Claude's name says, as 405 for Claude 4.5 and 410 for a Claude 4.10; undefined where it says none. Such a
 * model counts as newer than all that are known: aliases and names of the future say nothing that could be compared.
 *
 * Takes the spellings of all platforms: `claude-3-5-haiku-20241022`, `claude-opus-4-1@20250805`, `claude-sonnet-4.5`,
 * `us.anthropic.claude-haiku-4-5-20251001-v1:0`, `claude-instant-v1`.
 * @see https://platform.claude.com/docs/en/about-claude/models/overview
 */
export function claudeGeneration(name: string): number | undefined {
  const [, major, minor = '0'] = FAMILY_FIRST.exec(name) ?? NUMBER_FIRST.exec(name) ?? []
  return major === undefined ? undefined : Number(major) * 100 + Number(minor)
}

/** Whether a Claude is known to be of a generation before this one. @param generation as {@link claudeGeneration} returns it */
export function isClaudeBefore(name: string, generation: number): boolean {
  return (claudeGeneration(name) ?? Number.POSITIVE_INFINITY) < generation
}

/** Dates have eight digits, numbers of generations at most two. */
const FAMILY_FIRST = /(?:^|[^a-z0-9])claude-[a-z]+-v?(\d{1,2})(?:[-.](\d{1,2}))?(?!\d)/i
/** Before Claude 4, the number came before the family's name; before Claude 3, there was none. */
const NUMBER_FIRST = /(?:^|[^a-z0-9])claude-v?(\d{1,2})(?:[-.:](\d{1,2}))?(?!\d)/i

/**
 * The version of the API that is spoken here. The next one, 2026-10-21, refuses every sampling parameter.
 * @see https://platform.claude.com/docs/en/api/migration-2026-10-21
 */
export const VERSION_HEADER = { 'anthropic-version': '2023-06-01' } as const

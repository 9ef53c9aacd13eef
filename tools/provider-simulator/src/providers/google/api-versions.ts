/** https://ai.google.dev/gemini-api/docs/api-versions: what paths begin with. */
export const API_VERSIONS = ['v1beta', 'v1'] as const

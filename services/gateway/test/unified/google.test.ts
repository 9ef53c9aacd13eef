import { startUnifiedPath } from '../support/unified-client.ts'
import { unifiedSuite } from '../support/unified-suite.ts'

unifiedSuite({
  provider: 'google',
  model: 'gemini-2.5-flash',
  missing: { model: 'none-such', status: 404 },
  reasoning: { model: 'gemini-3-pro-preview', shownAs: 'reasoning_content', isCounted: true },
  withoutReasoning: 'gemini-2.0-flash',
  refuses: { parameter: 'logit_bias', value: { 50256: -100 } },
  embeddingModel: 'gemini-embedding-001',
  start: () => startUnifiedPath('google'),
})

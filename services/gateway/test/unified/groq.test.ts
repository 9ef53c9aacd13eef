import { startUnifiedPath } from '../support/unified-client.ts'
import { unifiedSuite } from '../support/unified-suite.ts'

unifiedSuite({
  provider: 'groq',
  model: 'llama-3.3-70b-versatile',
  missing: { model: 'none-such', status: 404 },
  reasoning: { model: 'openai/gpt-oss-120b', shownAs: 'reasoning', isCounted: true },
  withoutReasoning: 'llama-3.3-70b-versatile',
  start: () => startUnifiedPath('groq'),
})

import { startUnifiedPath } from '../support/unified-client.ts'
import { unifiedSuite } from '../support/unified-suite.ts'

unifiedSuite({
  provider: 'openai',
  model: 'gpt-4.1-mini',
  missing: { model: 'none-such', status: 404 },
  reasoning: { model: 'gpt-5-mini', isCounted: true },
  withoutReasoning: 'gpt-4.1-mini',
  embeddingModel: 'text-embedding-3-small',
  start: () => startUnifiedPath('openai'),
})

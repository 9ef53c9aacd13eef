import { startUnifiedPath } from '../support/unified-client.ts'
import { unifiedSuite } from '../support/unified-suite.ts'

unifiedSuite({
  provider: 'anthropic',
  model: 'claude-sonnet-4-5',
  missing: { model: 'none-such', status: 404 },
  reasoning: { model: 'claude-sonnet-4-5', shownAs: 'reasoning_content', isCounted: false },
  refuses: { parameter: 'seed', value: 7 },
  start: () => startUnifiedPath('anthropic'),
})

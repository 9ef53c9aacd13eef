import { startUnifiedPath } from '../testing/start-unified-path.ts'
import { unifiedSuite } from '../testing/unified-suite.ts'

unifiedSuite({
  provider: 'groq',
  model: 'llama-3.3-70b-versatile',
  missing: { model: 'none-such', status: 404 },
  start: () => startUnifiedPath('groq'),
})

import { Dataset, threads } from 'millstream'
import { square } from './stages.ts'

export default Dataset.range(5).map(square.on(threads(2)))

import { Dataset } from 'millstream'

export default Dataset.range(20).shuffle(20)

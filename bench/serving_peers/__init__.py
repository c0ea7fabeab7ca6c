"""What serving is measured beside: two applications of FastAPI around scikit-learn's `default` pipeline of
`training_peers`. `MODEL` in the environment is the fitted pipeline. Both take {"record": {...}} and answer with the label
and the score.
"""

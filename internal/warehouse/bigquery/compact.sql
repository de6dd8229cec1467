IF EXISTS (
  SELECT 1 FROM {table} t
  WHERE t.`timestamp` >= {from} AND t.`timestamp` < {to}
  GROUP BY {key}
  HAVING COUNT(*) > 1
) THEN
  MERGE {table} t
  USING (
    SELECT * FROM {table} t
    WHERE t.`timestamp` >= {from} AND t.`timestamp` < {to}
    QUALIFY {oneOfEach}
  ) s
  ON FALSE
  WHEN NOT MATCHED BY SOURCE AND t.`timestamp` >= {from} AND t.`timestamp` < {to} THEN DELETE
  WHEN NOT MATCHED BY TARGET THEN INSERT ROW;
END IF;
